"""Finds the web application in Python code by reading it as text.

Nothing of it is imported, and Python's own parser is not fed with it: hostile nesting can crash that.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from canonry.adapters.builder.native.plan.shell import ADDRESS, quote
from canonry.adapters.builder.native.plan.tree import SourceTree, join

_NAMES = ("wsgi", "asgi", "app", "main", "server", "application", "api", "run", "web", "index", "__init__")
_OBJECTS = ("app", "application", "api", "server", "asgi", "wsgi", "asgi_app", "wsgi_app")
_SKIPPED = frozenset({"tests", "test", "testing", "docs", "doc", "examples", "example", "migrations", "alembic", "benchmarks", "bench"})
_SKIPPED_FILE = re.compile(r"(?:test_.*|.*_test|conftest|setup|noxfile|tasks|manage|gunicorn.*)\.py")
_CALLS = {
    "Flask": ("flask", "wsgi"),
    "APIFlask": ("flask", "wsgi"),
    "OpenAPI": ("flask", "wsgi"),
    "Quart": ("quart", "asgi"),
    "FastAPI": ("fastapi", "asgi"),
    "Starlette": ("starlette", "asgi"),
    "Litestar": ("litestar", "asgi"),
    "Sanic": ("sanic", "asgi"),
    "Bottle": ("bottle", "wsgi"),
    "default_app": ("bottle", "wsgi"),
    "falcon.App": ("falcon", "wsgi"),
    "falcon.API": ("falcon", "wsgi"),
    "falcon.asgi.App": ("falcon", "asgi"),
    "make_wsgi_app": ("pyramid", "wsgi"),
    "get_wsgi_application": ("django", "wsgi"),
    "get_asgi_application": ("django", "asgi"),
    "ASGIApp": ("socketio", "asgi"),
    "WSGIApp": ("socketio", "wsgi"),
}
_FRAMEWORKS = {framework: interface for framework, interface in _CALLS.values() if framework not in {"falcon", "django", "socketio"}}
_FACTORY_NAMES = "create_app|make_app|build_app|get_app|create_application|make_application|get_application|app_factory|create_api"
_LONG_TEXT = re.compile(r'("""|\'\'\')(?:\\.|(?!\1).)*?\1', re.DOTALL)
_ASSIGNED = re.compile(r"^(\w+)(?:\s*:\s*[\w.\[\]\"' |]+)?\s*=\s*([\w.]+)\s*\(", re.MULTILINE)
_FAST_APP = re.compile(r"^(\w+)\s*,\s*\w+\s*=\s*fast_app\(", re.MULTILINE)
_DASH = re.compile(r"^(\w+)\s*=\s*(\w+)\.server\s*(?:#.*)?$", re.MULTILINE)
_FACTORY = re.compile(rf"^def ({_FACTORY_NAMES})\(([^()]{{0,400}}(?:\([^()]*\)[^()]{{0,400}}){{0,8}})\)", re.MULTILINE)
_RAW = re.compile(r"^(async )?def (app|application|handler)\(\s*(environ|env|scope)\b", re.MULTILINE)
_FACTORY_CALL = re.compile(rf"(?:.*\.)?(?:{_FACTORY_NAMES}|http_app|streamable_http_app|sse_app|init_app|create_asgi_app)")


@dataclass(frozen=True)
class WebApp:
    """A web application. interface: wsgi or asgi. target: `module:object`; factory: the object must be called.

    module_root: folder that the module's name starts from. build: what its framework needs built. command: set when the
    framework serves itself.
    """

    framework: str | None
    interface: str
    target: str
    found: str
    factory: bool = False
    module_root: str = "."
    build: str | None = None
    command: str | None = None


def find_app(app: SourceTree, dependencies: frozenset[str]) -> WebApp | None:
    """Return the application that most likely is the one to serve: well-known file names first, objects before factories."""
    named, other = _candidates(app)
    for paths in (named, other):
        factory: WebApp | None = None
        for path in paths:
            text = _LONG_TEXT.sub('""', app.glance(path))
            found = _find_object(app, path, text, dependencies)
            if found:
                return found
            factory = factory or _find_factory(app, path, text)
        if factory:
            return factory
    return _find_streamlit(app, dependencies, [*named, *other])


def module_of(app: SourceTree, path: str, text: str) -> tuple[str, str]:
    """Return (folder the name starts from, dotted name) of a module."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    top = len(parts) - 1
    while top > 0 and parts[top - 1].isidentifier() and app.is_file(join(*parts[:top], "__init__.py")):
        top -= 1
    if top > 0 and top == len(parts) - 1 and _imports_by_folder(text, parts):
        top = 1 if parts[0] == "src" and len(parts) > 2 else 0
    return join(*parts[:top]) if top else ".", ".".join(parts[top:])


def _imports_by_folder(text: str, parts: list[str]) -> bool:
    """Say whether a module in a folder without __init__.py is meant as part of a package all the same."""
    if not all(part.isidentifier() for part in parts):
        return False
    folders = "|".join(map(re.escape, parts[:-1]))
    return re.search(rf"^\s*(?:from\s+\.|(?:from|import)\s+(?:{folders})\b)", text, re.MULTILINE) is not None


def _candidates(app: SourceTree) -> tuple[list[str], list[str]]:
    named: list[tuple[int, int, str]] = []
    other: list[str] = []
    for path in app.walk(".py", 3):
        *folders, name = path.split("/")
        if _SKIPPED_FILE.fullmatch(name) or _SKIPPED.intersection(folders):
            continue
        stem = name.removesuffix(".py")
        if stem in _NAMES:
            named.append((len(folders) - (folders[:1] == ["src"]), _NAMES.index(stem), path))
        else:
            other.append(path)
    return [path for _, _, path in sorted(named)], other[:300]


def _find_object(app: SourceTree, path: str, text: str, dependencies: frozenset[str]) -> WebApp | None:
    found = dict(_objects(text, dependencies))
    if not found:
        return None
    name = next((name for name in _OBJECTS if name in found), next(iter(found)))
    framework, interface = found[name]
    root, module = module_of(app, path, text)
    return WebApp(
        framework, interface, f"{module}:{name}", f"{framework or interface} application {name} in {app.shown(path)}", module_root=root
    )


def _objects(text: str, dependencies: frozenset[str]) -> Iterator[tuple[str, tuple[str | None, str]]]:
    for name, called in _ASSIGNED.findall(text):
        known = _CALLS.get(called) or _CALLS.get(called.rpartition(".")[2])
        guessed = None if known or not _FACTORY_CALL.fullmatch(called) else _guess(text, dependencies)
        if known or guessed:
            yield name, known or guessed or (None, "")
    if "dash" in dependencies:
        yield from ((name, ("dash", "wsgi")) for name, _ in _DASH.findall(text))
    yield from ((name, ("fasthtml", "asgi")) for name in _FAST_APP.findall(text))
    for is_async, name, first in _RAW.findall(text):
        if bool(is_async) == (first == "scope"):
            yield name, (None, "asgi" if is_async else "wsgi")


def _guess(text: str, dependencies: Iterable[str]) -> tuple[str, str] | None:
    """Return the framework behind a factory: what this file imports, else what the project depends on."""
    imported = next((name for name in _FRAMEWORKS if re.search(rf"^\s*(?:from|import)\s+{name}\b", text, re.MULTILINE)), None)
    framework = imported or next((name for name in _FRAMEWORKS if name in dependencies), None)
    return (framework, _FRAMEWORKS[framework]) if framework else None


def _find_factory(app: SourceTree, path: str, text: str) -> WebApp | None:
    for name, parameters in _FACTORY.findall(text):
        made = next((kind for call, kind in _CALLS.items() if re.search(rf"\b{re.escape(call)}\s*\(", text)), None)
        if made and not _needs_arguments(parameters):
            root, module = module_of(app, path, text)
            found = f"{made[0]} factory {name} in {app.shown(path)}"
            return WebApp(made[0], made[1], f"{module}:{name}", found, factory=True, module_root=root)
    return None


def _needs_arguments(parameters: str) -> bool:
    plain = re.sub(r"\[[^\]]*\]|\([^)]*\)|#[^\n]*", "", parameters)
    return any(part.strip() and "=" not in part and not part.strip().startswith(("*", "/")) for part in plain.split(","))


def _find_streamlit(app: SourceTree, dependencies: frozenset[str], paths: list[str]) -> WebApp | None:
    if "streamlit" not in dependencies:
        return None
    path = app.first_file("streamlit_app.py", "app.py", "main.py", "Home.py") or next(iter(paths), None)
    if path is None:
        return None
    command = f'exec streamlit run --server.address {ADDRESS} --server.port "$PORT" --server.headless true {quote(path)}'
    return WebApp("streamlit", "asgi", path, f"streamlit program {app.shown(path)}", command=command)
