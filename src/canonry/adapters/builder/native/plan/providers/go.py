"""Go modules: the main package at the root, or the only one below cmd/."""

import re

from canonry.adapters.builder.native.plan.context import Context
from canonry.adapters.builder.native.plan.problems import unknown_source
from canonry.adapters.builder.native.plan.shell import quote
from canonry.adapters.builder.native.plan.tree import SourceTree, join
from canonry.adapters.builder.native.plan.versions import Request, choose_other
from canonry.ports.builder import Plan

_MAIN = re.compile(r"^package\s+main\b", re.MULTILINE)
_VERSION = re.compile(r"^(?:toolchain\s+go|go\s+)(\d+(?:\.\d+){0,2})\s*$", re.MULTILINE)


def plan_go(context: Context) -> Plan | None:
    """Plan a Go module; None without go.mod. Raises: Invalid `unknown_source` when no main package, or more than one, could be meant."""
    app = context.app
    if not app.is_file("go.mod"):
        return None
    package = "." if context.wishes.start and context.wishes.build else _find_main(app)
    return Plan(
        "go",
        root_dir=app.prefix,
        toolchains=(choose_other("go", _requested(app), context.version_folders, context.pins),),
        build=f"CGO_ENABLED=0 go build -trimpath -o bin/app {quote('./' + package if package != '.' else '.')}",
        processes={"web": "exec ./bin/app"},
        found=("go.mod", f"package main in {package}"),
    )


def _requested(app: SourceTree) -> Request | None:
    """Read the `go` line as a minimum, the `toolchain` line likewise: newer ones build it."""
    found = _VERSION.findall(app.text("go.mod"))
    return Request("go.mod", f">={found[-1]}") if found else None


def _find_main(app: SourceTree) -> str:
    if _is_main(app, "."):
        return "."
    below = [join("cmd", name) for name in app.names("cmd") if _is_main(app, join("cmd", name))]
    if len(below) == 1:
        return below[0]
    problem = (
        f"go.mod is there, but {len(below)} folders of cmd/ hold a main package." if below else "go.mod is there, but no main package."
    )
    raise unknown_source(
        app.names(), problem, 'Say which in canonry.toml: [build] build = "go build -o bin/app ./cmd/NAME", [run] start = "./bin/app".'
    )


def _is_main(app: SourceTree, folder: str) -> bool:
    files = [name for name in app.names(folder) if name.endswith(".go") and not name.endswith("_test.go")]
    return any(_MAIN.search(app.glance(join(folder, name), limit=64 * 1024)) for name in files[:50])
