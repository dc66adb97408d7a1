"""What a Python project says it depends on: names only, from whichever manifests there are."""

import re
from collections.abc import Iterator

from canonry.adapters.builder.native.plan.tree import SourceTree, Table, join, table, text_or_none, texts

_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_OPTION = re.compile(r"\s*(?:-r|--requirement|-c|--constraint)[=\s]+(\S+)")
_LOCAL = re.compile(r"\s*(?:-e\b|--editable|\.{0,2}/|\.\s*$|\.\[|file:|\S+\s*@\s*file:)")
_INCLUDES = 20


def read_dependencies(app: SourceTree) -> frozenset[str]:
    """Return the normalised names of the direct dependencies; `fastapi[standard]` also brings uvicorn."""
    project = app.toml("pyproject.toml")
    tool = table(project.get("tool"))
    poetry = table(tool.get("poetry"))
    names = {
        *_names(texts(table(project.get("project")).get("dependencies"))),
        *_names(_poetry_lines(table(poetry.get("dependencies")))),
        *_names(_poetry_lines(table(app.toml("Pipfile").get("packages")))),
        *_names(_setup_lines(app)),
    }
    for path in requirement_files(app) or []:
        names.update(_names(app.text(path).splitlines()))
    return frozenset(names - {"python"})


def requirement_files(app: SourceTree) -> list[str] | None:
    """Return requirements.txt (or the production one of requirements/) and every file it includes.

    None when one of them leads outside the list: an editable or local path, or a file that is not in the source.
    """
    return None if (found := _walk_includes(app)) is None or any(_is_local(app, path) for path in found) else found


def main_requirements(app: SourceTree) -> str | None:
    """Return the requirements file that production uses."""
    return app.first_file("requirements.txt", "requirements/production.txt", "requirements/prod.txt", "requirements/base.txt")


def normalise(name: str) -> str:
    """Return the one spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _walk_includes(app: SourceTree) -> list[str] | None:
    main = main_requirements(app)
    pending, found = [main] if main else [], list[str]()
    while pending:
        path = pending.pop()
        if path in found:
            continue
        if not app.is_file(path) or len(found) >= _INCLUDES:
            return None
        found.append(path)
        folder = path.rpartition("/")[0] or "."
        for line in app.text(path).splitlines():
            included = _OPTION.match(line)
            if included:
                pending.append(_plain(join(folder, included[1])))
    return sorted(found)


def _plain(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _is_local(app: SourceTree, path: str) -> bool:
    return any(_LOCAL.match(line) for line in app.text(path).splitlines())


def _names(lines: Iterator[str] | list[str]) -> Iterator[str]:
    for line in lines:
        found = _REQUIREMENT.match(line)
        if found:
            yield normalise(found[1])
            extras = {extra.strip() for extra in (found[2] or "").split(",")}
            if normalise(found[1]) == "fastapi" and extras & {"standard", "all"}:
                yield "uvicorn"


def _poetry_lines(dependencies: Table) -> list[str]:
    lines = []
    for name, value in dependencies.items():
        extras = ",".join(texts(table(value).get("extras")))
        lines.append(f"{name}[{extras}]" if extras else name)
    return lines


def _setup_lines(app: SourceTree) -> list[str]:
    """setup.cfg's install_requires; setup.py is a program and is not read."""
    lines, inside = [], False
    for line in app.glance("setup.cfg").splitlines():
        if line.startswith("install_requires"):
            inside = True
            lines.append(text_or_none(line.partition("=")[2]) or "")
        elif inside and line[:1].isspace():
            lines.append(line)
        else:
            inside = False
    return [line for line in lines if line.strip()]
