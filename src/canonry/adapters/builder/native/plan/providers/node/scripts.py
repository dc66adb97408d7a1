"""Turns scripts of package.json into commands for run time, where neither pnpm nor yarn is there and signals must arrive."""

import re

from canonry.adapters.builder.native.plan.providers.node.package import Package
from canonry.adapters.builder.native.plan.shell import with_programs, within
from canonry.adapters.builder.native.plan.tree import join, text_or_none

_ALIAS = re.compile(r"(?:npm|pnpm|yarn|bun)(?: run| run-script)? ([\w:.-]+)")
_CALL = re.compile(r"(?<![\w./-])(?:pnpm|yarn|bun)(?: run)? ([\w:.-]+)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SHELL_SYNTAX = re.compile(r"[;&|<>`()\n#]")
_DEPTH = 5
_MAIN_FILES = tuple(
    f"{folder}{name}.{suffix}"
    for folder in ("", "src/")
    for name in ("server", "app", "index", "main")
    for suffix in ("js", "mjs", "cjs", "ts")
)
_DEVELOPMENT = re.compile(
    r"(?:npx )?(?:cross-env (?:\S+=\S* )+)?(?:"
    r"vite(?: (?:dev|serve|preview)\b.*| --.*)?$|(?:react-scripts|craco|react-app-rewired) start|ng (?:serve|s|start)\b"
    r"|vue-cli-service serve|astro (?:dev|preview|start)|gatsby (?:develop|serve|start)|docusaurus (?:start|serve)"
    r"|vitepress (?:dev|preview|serve)|vuepress (?:dev|serve)|(?:@11ty/)?eleventy\b|parcel\b|serve\b|http-server\b|live-server\b"
    r"|sirv\b|webpack(?:-dev-server| serve)|rsbuild (?:dev|preview)|preact (?:watch|serve)|ember (?:serve|s)\b|solid-start dev)"
)


def resolve(package: Package, name: str) -> str | None:
    """Return the body of a script, through scripts that only call another one."""
    for _ in range(_DEPTH):
        body = text_or_none(package.scripts.get(name))
        alias = _ALIAS.fullmatch(body) if body else None
        if alias is None or alias[1] not in package.scripts or f"pre{name}" in package.scripts:
            return body
        name = alias[1]
    return None


def production_start(package: Package) -> str | None:
    """Return the script that starts a production server: `start:prod` where that is the habit, else `start`.

    None for a development server or one that shows what a build made: then the edge serves those files.
    """
    names = ("start:prod", "start") if package.uses("@nestjs/core") else ("start",)
    name = next((name for name in names if name in package.scripts), None)
    body = resolve(package, name) if name else None
    if not name or not body or _DEVELOPMENT.match(body):
        return None
    before = text_or_none(package.scripts.get(f"pre{name}"))
    return f"{before} && {body}" if before else body


def main_file(package: Package) -> str | None:
    """Return the file to run when no script says how to start."""
    main = text_or_none(package.data.get("main"))
    if main and package.tree.is_file(main) and main.endswith((".js", ".mjs", ".cjs", ".ts")) and ".." not in main.split("/"):
        return join(main)
    return package.tree.first_file(*_MAIN_FILES)


def runnable(package: Package, body: str, below: str) -> str:
    """Return a script's body as a command run from /app: programs of node_modules on the path, replaced by the program when simple.

    below: folder of the package under /app.
    """
    command = _CALL.sub(lambda found: f"npm run {found[1]}" if found[1] in package.scripts else found[0], body)
    if not _SHELL_SYNTAX.search(command):
        command = f"exec env {command}" if _ASSIGNMENT.match(command) else f"exec {command}"
    if re.match(r"exec (?:env (?:\w+=\S+ )+)?node\b", command):
        return within(below, command)
    return with_programs(below, command, *(["node_modules/.bun/node_modules/.bin"] if needs_bun(body) else []))


def needs_bun(body: str) -> bool:
    """Say whether a command needs bun itself when it runs."""
    return re.search(r"(?<![\w./-])bunx?\b", body) is not None


def uses_development(package: Package, body: str) -> bool:
    """Say whether a command starts a program that only a development dependency brings (`tsx`, `nodemon`)."""
    words = set(re.findall(r"[\w./@-]+", body))
    return any(name.rpartition("/")[2] in words for name in package.dev if name not in package.dependencies)
