"""Which version of a language: who asked, in which order, and what stands when nobody did.

The first of these that says something decides. Python: the project's setting, canonry.toml, .python-version, .tool-versions,
runtime.txt, Pipfile, requires-python, Poetry's python. Node: the project's setting, canonry.toml, .nvmrc, .node-version,
.tool-versions, volta, engines. A range is answered with the project's pin or the default where they lie in it, so that a
build does not change with what is newest; else the range itself goes into the plan and the builder resolves it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from canonry.adapters.builder.native.plan.config import check_version
from canonry.adapters.builder.native.plan.problems import invalid_config
from canonry.adapters.builder.native.plan.ranges import Requirement
from canonry.adapters.builder.native.plan.tree import SourceTree, table, text_or_none
from canonry.ports.builder import Toolchain

DEFAULTS = {"python": "3.12", "node": "24", "deno": "2", "go": "1"}
_ANY = frozenset({"*", "node", "stable", "latest", "current", "lts", "lts/*", "lts/-0", "system", "default"})
_NODE_LTS = {"argon": "4", "boron": "6", "carbon": "8", "dubnium": "10", "erbium": "12", "fermium": "14", "gallium": "16", "hydrogen": "18",
             "iron": "20", "jod": "22", "krypton": "24"}  # fmt: skip
_TOOL_NAMES = {"python": ("python",), "node": ("nodejs", "node"), "deno": ("deno",), "go": ("golang", "go")}
_PYTHON_PREFIX = re.compile(r"^(?:c?python)[-@ ]?")


@dataclass(frozen=True)
class Request:
    """Somebody asks for a version. place: where (`.python-version`), as people know it."""

    place: str
    version: str


def choose_python(folders: list[SourceTree], wished: Request | None, pins: Mapping[str, str]) -> Toolchain:
    """Return the Python a source asks for. folders: where to look, the app's own first, then the repository's root."""
    asked = wished or _first(_python_requests(tree) for tree in folders)
    return _choose("python", asked, pins)


def choose_node(folders: list[SourceTree], wished: Request | None, pins: Mapping[str, str]) -> Toolchain:
    """Return the Node a source asks for; folders as for Python."""
    asked = wished or _first(_node_requests(tree) for tree in folders)
    return _choose("node", asked, pins)


def choose_other(name: str, asked: Request | None, folders: list[SourceTree], pins: Mapping[str, str]) -> Toolchain:
    """Return the Deno or Go a source asks for: `asked` (from its own manifest) or .tool-versions."""
    return _choose(name, _first(_tool_versions(tree, name) for tree in folders) or asked, pins)


def _choose(name: str, asked: Request | None, pins: Mapping[str, str]) -> Toolchain:
    default = pins.get(name, DEFAULTS[name])
    source = "pinned at an earlier deploy of this project" if name in pins else "default"
    if asked is None:
        return Toolchain(name, default, source if name in pins else "default: the source asks for no version")
    cleaned = _clean(name, asked.version)
    if cleaned in _ANY:
        return Toolchain(name, default, f"{source}: {asked.place} asks for any ({asked.version})")
    requirement = _parse(name, asked, cleaned)
    if requirement.plain:
        return Toolchain(name, requirement.plain, f"{asked.place} asks for {asked.version}")
    if requirement.admits(default):
        return Toolchain(name, default, f"{source}: {asked.place} asks for {requirement.text}")
    return Toolchain(name, requirement.text, f"{asked.place} asks for {requirement.text}")


def check_request(name: str, place: str, value: object) -> str:
    """Return the text of a version that can be asked for. Raises: Invalid `invalid_config`."""
    text = check_version(place, value)
    cleaned = _clean(name, text)
    if cleaned not in _ANY:
        _parse(name, Request(place, text), cleaned)
    return text


def _clean(name: str, text: str) -> str:
    text = text.strip()
    if name == "python":
        return _PYTHON_PREFIX.sub("", text)
    lowered = text.lower()
    if name == "node" and lowered.startswith("lts/"):
        return _NODE_LTS.get(lowered[4:], lowered)
    return lowered.removeprefix("go") if name == "go" else lowered.removeprefix("node-")


def _parse(name: str, asked: Request, cleaned: str) -> Requirement:
    try:
        requirement = Requirement(cleaned)
    except ValueError as error:
        problem = f"asks for {name} {asked.version[:60]!r}, which is not a version Canonry can install"
        raise invalid_config(asked.place, problem, f"Write a version like {DEFAULTS[name]} or a range like >={DEFAULTS[name]}.") from error
    if name == "python" and requirement.plain and requirement.plain.split(".")[0] != "3":
        raise invalid_config(asked.place, f"asks for Python {requirement.plain}", "Canonry runs Python 3.")
    return requirement


def _python_requests(tree: SourceTree) -> Iterator[Request]:
    yield from _first_line(tree, ".python-version")
    yield from _tool_versions(tree, "python")
    yield from _first_line(tree, "runtime.txt")
    requires = table(tree.toml("Pipfile").get("requires"))
    for key in ("python_full_version", "python_version"):
        yield from _asked(tree, "Pipfile", key, requires.get(key))
    project = tree.toml("pyproject.toml")
    yield from _asked(tree, "pyproject.toml", "requires-python", table(project.get("project")).get("requires-python"))
    poetry = table(table(project.get("tool")).get("poetry"))
    yield from _asked(tree, "pyproject.toml", "tool.poetry python", table(poetry.get("dependencies")).get("python"))


def _node_requests(tree: SourceTree) -> Iterator[Request]:
    yield from _first_line(tree, ".nvmrc")
    yield from _first_line(tree, ".node-version")
    yield from _tool_versions(tree, "node")
    package = tree.json("package.json")
    yield from _asked(tree, "package.json", "volta.node", table(package.get("volta")).get("node"))
    yield from _asked(tree, "package.json", "engines.node", table(package.get("engines")).get("node"))


def _first_line(tree: SourceTree, path: str) -> Iterator[Request]:
    if tree.is_file(path):
        lines = (line.split("#")[0].strip() for line in tree.text(path).splitlines())
        yield from (Request(tree.shown(path), line) for line in lines if line)


def _tool_versions(tree: SourceTree, name: str) -> Iterator[Request]:
    if tree.is_file(".tool-versions"):
        for line in tree.text(".tool-versions").splitlines():
            words = line.split("#")[0].split()
            if len(words) > 1 and words[0] in _TOOL_NAMES[name]:
                yield Request(tree.shown(".tool-versions"), words[1])


def _asked(tree: SourceTree, path: str, key: str, value: object) -> Iterator[Request]:
    version = text_or_none(value)
    if version:
        yield Request(f"{tree.shown(path)} {key}", version)


def _first(sources: Iterator[Iterator[Request]]) -> Request | None:
    return next((request for requests in sources for request in requests), None)
