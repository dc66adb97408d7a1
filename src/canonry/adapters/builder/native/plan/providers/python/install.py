"""How a Python project's dependencies get into /env, and which files decide the result."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from canonry.adapters.builder.native.plan.problems import invalid_config
from canonry.adapters.builder.native.plan.providers.python.manifests import main_requirements, requirement_files
from canonry.adapters.builder.native.plan.shell import quote
from canonry.adapters.builder.native.plan.tree import LOCK_BYTES, SourceTree, table, text_or_none, texts

_PIP = "uv pip install --compile-bytecode"
_PUBLIC_INDEX = "pypi"  # what pipenv calls it in every file it makes
_EXPORTED = "/tmp/requirements.txt"  # noqa: S108  of the sandbox, which is one build's own
_SOURCE = re.compile(r'\bsource = \{ (registry|editable|directory|virtual|path|workspace) = "([^"]*)"')


@dataclass(frozen=True)
class Install:
    """The command that fills /env. lockfiles: as in Plan. root_dir: what becomes /app, above the app for a workspace."""

    command: str | None
    root_dir: str
    lockfiles: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


def choose_install(source: SourceTree, app: SourceTree, extra: Sequence[str], *, needs_project: bool = False) -> Install:
    """Return how to install: from the strictest lock file that is there. extra: packages to add (a server).

    needs_project: the program is a script that the project itself installs.
    """
    kind, make = next(((path, make) for path, make in _KINDS if app.is_file(path)), ("", None))
    above = None if kind == "uv.lock" else _uv_workspace(source, app)
    if above:
        return _from_workspace(above, app, extra)
    if needs_project:
        return _from_project(app, extra)
    if make:
        return make(app, extra)
    requirements = main_requirements(app)
    if requirements:
        return _from_requirements(app, requirements, extra)
    if app.is_file("pyproject.toml"):
        return _from_pyproject(app, extra)
    if app.is_file("Pipfile"):
        raise invalid_config(app.shown("Pipfile"), "has no Pipfile.lock beside it", "Run `pipenv lock` and add Pipfile.lock to the source.")
    if app.first_file("setup.py", "setup.cfg"):
        return _from_project(app, extra)
    return Install(_add(extra), app.prefix)


def _from_uv_lock(app: SourceTree, extra: Sequence[str]) -> Install:
    """The project itself stays out, since its code is /app, unless other packages of the source belong to it."""
    kinds = [kind for kind, _ in _SOURCE.findall(app.text("uv.lock", limit=LOCK_BYTES))]
    local = "directory" in kinds or "path" in kinds or sum(kind in {"editable", "virtual"} for kind in kinds) > 1
    command = f"uv sync --frozen --no-dev{'' if local else ' --no-install-project'}"
    return Install(_and_add(command, extra, sync=True), app.prefix, () if local else ("pyproject.toml", "uv.lock"), ("uv.lock",))


def _from_pylock(app: SourceTree, extra: Sequence[str]) -> Install:
    text = app.text("pylock.toml", limit=LOCK_BYTES)
    local = "packages.directory" in text or re.search(r"^directory\s*=", text, re.MULTILINE) is not None
    return Install(_and_add("uv pip install -r pylock.toml", extra), app.prefix, () if local else ("pylock.toml",), ("pylock.toml",))


def _from_poetry(app: SourceTree, extra: Sequence[str]) -> Install:
    export = "uv tool run --quiet --with poetry-plugin-export --from poetry poetry export --only main --format requirements.txt --output"
    local = 'type = "directory"' in app.text("poetry.lock", limit=LOCK_BYTES)
    return Install(_exported(export, extra), app.prefix, () if local else ("poetry.lock", "pyproject.toml"), ("poetry.lock",))


def _from_pdm(app: SourceTree, extra: Sequence[str]) -> Install:
    local = re.search(r"^path\s*=", app.text("pdm.lock", limit=LOCK_BYTES), re.MULTILINE) is not None
    export = "PDM_CHECK_UPDATE=0 uv tool run --quiet pdm export --prod --format requirements --output"
    return Install(_exported(export, extra), app.prefix, () if local else ("pdm.lock", "pyproject.toml"), ("pdm.lock",))


def _from_pipenv(app: SourceTree, extra: Sequence[str]) -> Install:
    """Pipenv would name the public index for each package; left out, the machine's own index is asked instead."""
    lock = app.json("Pipfile.lock", limit=LOCK_BYTES)
    sources = table(lock.get("_meta")).get("sources")
    names = {text_or_none(table(item).get("name")) for item in sources} if isinstance(sources, list) else set()
    index = "--exclude-index " if names <= {_PUBLIC_INDEX} else ""
    local = any("path" in table(item) or "editable" in table(item) for item in table(lock.get("default")).values())
    export = f"PIPENV_VERBOSITY=-1 uv tool run --quiet pipenv requirements --hash {index}>"
    return Install(_exported(export, extra), app.prefix, () if local else ("Pipfile", "Pipfile.lock"), ("Pipfile.lock",))


_KINDS: tuple[tuple[str, Callable[[SourceTree, Sequence[str]], Install]], ...] = (
    ("uv.lock", _from_uv_lock),
    ("pylock.toml", _from_pylock),
    ("poetry.lock", _from_poetry),
    ("pdm.lock", _from_pdm),
    ("Pipfile.lock", _from_pipenv),
)


def _from_requirements(app: SourceTree, path: str, extra: Sequence[str]) -> Install:
    return Install(_listed(path, extra), app.prefix, tuple(requirement_files(app) or ()), (path,))


def _from_pyproject(app: SourceTree, extra: Sequence[str]) -> Install:
    """Dependencies that stand in [project] are installed without the project, so that a change of code does not install again."""
    project = table(app.toml("pyproject.toml").get("project"))
    if "dependencies" in texts(project.get("dynamic")):
        return _from_project(app, extra)
    if not project:
        is_package = app.first_file("setup.py", "setup.cfg") or "poetry" in table(app.toml("pyproject.toml").get("tool"))
        return _from_project(app, extra) if is_package else Install(_add(extra), app.prefix)
    if not texts(project.get("dependencies")):
        return Install(_add(extra), app.prefix, ("pyproject.toml",) if extra else (), ("pyproject.toml",))
    return Install(_listed("pyproject.toml", extra), app.prefix, ("pyproject.toml",), ("pyproject.toml",))


def _from_project(app: SourceTree, extra: Sequence[str]) -> Install:
    path = app.first_file("pyproject.toml", "setup.py", "setup.cfg")
    return Install(" ".join((f"{_PIP} .", *map(quote, extra))), app.prefix, (), (path,) if path else ())


def _from_workspace(above: SourceTree, app: SourceTree, extra: Sequence[str]) -> Install:
    name = text_or_none(table(app.toml("pyproject.toml").get("project")).get("name"))
    if name is None:
        raise invalid_config(app.shown("pyproject.toml"), "has no project.name", "A member of a uv workspace needs one to be installed.")
    command = f"uv sync --frozen --no-dev --no-editable --package {quote(name)}"
    return Install(_and_add(command, extra, sync=True), above.prefix, (), (above.shown("uv.lock"),))


def _uv_workspace(source: SourceTree, app: SourceTree) -> SourceTree | None:
    """Return the folder above the app that has the uv.lock of its workspace."""
    if not app.is_file("pyproject.toml"):
        return None
    for folder in source.parents_of(app):
        if folder.is_file("uv.lock"):
            settings = table(table(folder.toml("pyproject.toml").get("tool")).get("uv"))
            return folder if "workspace" in settings else None
    return None


def _exported(command: str, extra: Sequence[str]) -> str:
    """Turn another tool's lock into pinned requirements with hashes, and install those."""
    return f"{command} {_EXPORTED} && {_listed(_EXPORTED, extra)}"


def _listed(path: str, extra: Sequence[str]) -> str:
    return " ".join((_PIP, "-r", quote(path), *map(quote, extra)))


def _and_add(command: str, extra: Sequence[str], *, sync: bool = False) -> str:
    """Install from a lock, and what the lock lacks before that, so that the lock has the last word on versions."""
    locked = f"{command}{' --inexact' if sync and extra else ''} --compile-bytecode"
    return f"{_add(extra)} && {locked}" if extra else locked


def _add(extra: Sequence[str]) -> str | None:
    return " ".join((_PIP, *map(quote, extra))) if extra else None
