"""Django: the wsgi or asgi module that the settings name, and collectstatic when there is a place to collect to."""

import re

from canonry.adapters.builder.native.plan.providers.python.apps import WebApp
from canonry.adapters.builder.native.plan.shell import quote
from canonry.adapters.builder.native.plan.tree import SourceTree, join

_SETTINGS = re.compile(r"""DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""")
_WSGI = re.compile(r"""^WSGI_APPLICATION\s*=\s*["']([\w.]+)\.(\w+)["']""", re.MULTILINE)
_STATIC_ROOT = re.compile(r"^\s*STATIC_ROOT\s*(?::[^=\n]+)?=", re.MULTILINE)


def find_django(app: SourceTree, dependencies: frozenset[str]) -> WebApp | None:
    """Return the Django application behind manage.py (at the root or in one folder below it); None when this is no Django."""
    folder = _project_folder(app)
    if folder is None:
        return None
    manage = app.glance(join(folder, "manage.py"))
    if "django" not in dependencies and "django" not in manage.lower():
        return None
    project = app.at(folder)
    named = _SETTINGS.search(manage)
    settings = _settings_texts(project, named[1]) if named else []
    interface, module, name = _application(project, named[1] if named else "", settings, dependencies)
    if module is None:
        return None
    collects = any(_STATIC_ROOT.search(text) for text in settings)
    build = f"python {quote(join(folder, 'manage.py'))} collectstatic --noinput" if collects else None
    return WebApp(
        "django", interface, f"{module}:{name}", f"django, {module} by {project.shown('manage.py')}", module_root=folder, build=build
    )


def _project_folder(app: SourceTree) -> str | None:
    if app.is_file("manage.py"):
        return "."
    below = [name for name in app.names() if not name.startswith(".") and app.is_file(join(name, "manage.py"))]
    return below[0] if len(below) == 1 else None


def _application(
    project: SourceTree, settings_module: str, settings: list[str], dependencies: frozenset[str]
) -> tuple[str, str | None, str]:
    package = settings_module.partition(".")[0]
    asks_asgi = bool({"channels", "daphne"} & dependencies)
    if package and asks_asgi and project.is_file(join(package, "asgi.py")):
        return "asgi", f"{package}.asgi", "application"
    named = next((found for text in settings if (found := _WSGI.search(text))), None)
    if named and project.is_file(named[1].replace(".", "/") + ".py"):
        return "wsgi", named[1], named[2]
    for interface in ("wsgi", "asgi"):
        path = join(package, f"{interface}.py") if package else ""
        place = path if path and project.is_file(path) else next((item for item in project.walk(f"{interface}.py", 2)), None)
        if place and all(part.isidentifier() for part in place.removesuffix(".py").split("/")):
            return interface, place.removesuffix(".py").replace("/", "."), "application"
    return "wsgi", None, ""


def _settings_texts(project: SourceTree, module: str) -> list[str]:
    """Return the settings module and, when it lies in a settings package, its neighbours (base.py, production.py)."""
    path = module.replace(".", "/")
    folder = path if project.is_folder(path) else path.rpartition("/")[0]
    paths = [f"{path}.py"]
    if project.is_folder(path) or folder.rpartition("/")[2] == "settings":
        paths += [join(folder, name) for name in project.names(folder) if name.endswith(".py")]
    return [project.glance(item) for item in dict.fromkeys(paths)]
