"""The program of a Python project that has no web application we know."""

from dataclasses import dataclass

from canonry.adapters.builder.native.plan.providers.shell import start_script
from canonry.adapters.builder.native.plan.shell import quote
from canonry.adapters.builder.native.plan.tree import SourceTree, join, table, text_or_none

_NAMES = (
    "main.py",
    "app.py",
    "server.py",
    "run.py",
    "bot.py",
    "worker.py",
    "index.py",
    "__main__.py",
    "src/main.py",
    "src/app.py",
    "src/server.py",
)


@dataclass(frozen=True)
class Script:
    """A program to start. needs_project: it exists only once the project itself is installed."""

    command: str
    found: str
    needs_project: bool = False


def find_script(app: SourceTree) -> Script | None:
    """Return start.sh, a script with a usual name, a package with __main__.py, the project's one command, or the only script there."""
    shell = start_script(app)
    if shell:
        return Script(shell, app.shown("start.sh"))
    path = app.first_file(*_NAMES)
    if path:
        return Script(f"exec python {path}", app.shown(path))
    for folder in (".", "src"):
        for name in app.names(folder):
            if name.isidentifier() and app.is_file(join(folder, name, "__main__.py")):
                return Script(f"exec python -m {name}", app.shown(join(folder, name, "__main__.py")))
    return _project_command(app) or _only_script(app)


def _project_command(app: SourceTree) -> Script | None:
    project = app.toml("pyproject.toml")
    scripts = table(table(project.get("project")).get("scripts")) or table(table(table(project.get("tool")).get("poetry")).get("scripts"))
    name = text_or_none(table(project.get("project")).get("name"))
    command = name if name in scripts else next(iter(scripts)) if len(scripts) == 1 else None
    return Script(f"exec {quote(command)}", f"script {command} in {app.shown('pyproject.toml')}", needs_project=True) if command else None


def _only_script(app: SourceTree) -> Script | None:
    scripts = [name for name in app.names() if name.endswith(".py") and name not in {"setup.py", "conftest.py", "noxfile.py", "tasks.py"}]
    return Script(f"exec python {quote(scripts[0])}", app.shown(scripts[0])) if len(scripts) == 1 and app.is_file(scripts[0]) else None
