"""Python: finds the dependencies, the web application in the code, and a production server for it."""

from dataclasses import dataclass

from canonry.adapters.builder.native.plan.context import Context
from canonry.adapters.builder.native.plan.problems import unknown_source
from canonry.adapters.builder.native.plan.providers.node.assets import Assets, plan_assets
from canonry.adapters.builder.native.plan.providers.python.apps import WebApp, find_app
from canonry.adapters.builder.native.plan.providers.python.django import find_django
from canonry.adapters.builder.native.plan.providers.python.install import Install, choose_install
from canonry.adapters.builder.native.plan.providers.python.manifests import read_dependencies
from canonry.adapters.builder.native.plan.providers.python.scripts import Script, find_script
from canonry.adapters.builder.native.plan.providers.python.servers import missing_servers, serve
from canonry.adapters.builder.native.plan.shell import within
from canonry.adapters.builder.native.plan.tree import SourceTree, join, relative
from canonry.adapters.builder.native.plan.versions import choose_python
from canonry.ports.builder import Plan, StaticSite

_MANIFESTS = ("uv.lock", "pylock.toml", "poetry.lock", "pdm.lock", "Pipfile.lock", "requirements.txt", "requirements/production.txt",
              "requirements/prod.txt", "requirements/base.txt", "pyproject.toml", "Pipfile",
              "setup.py", "setup.cfg", "manage.py")  # fmt: skip
_PROGRAMS = ("app.py", "main.py", "wsgi.py", "asgi.py", "server.py", "application.py", "api.py", "run.py", "bot.py", "__main__.py")


@dataclass(frozen=True)
class _Parts:
    """What was found in the source, before it is put together."""

    dependencies: frozenset[str]
    web: WebApp | None
    script: Script | None
    start: str | None
    site: StaticSite | None


def plan_python(context: Context) -> Plan | None:
    """Plan a Python program; None when nothing says Python, or when the program is Node's.

    Raises: Invalid `unknown_source` when there is a project, but no program to start.
    """
    app = context.app
    forced = context.wishes.provider == "python"
    manifest = app.first_file(*_MANIFESTS)
    if not forced and not manifest and not app.first_file(*_PROGRAMS):
        return None
    parts = _look(context)
    if not forced and parts.web is None and (app.is_file("package.json") or not manifest) and _others_can(app, bool(manifest)):
        return None
    if not (parts.start or parts.site or context.wishes.output or context.wishes.processes):
        if not manifest and not forced:
            return None
        remedy = "Name the program app.py or main.py, or say it in canonry.toml ([run] start) or in a Procfile (web)."
        problem = (
            f"This is a Python project ({manifest}), but no web application and no main script were found."
            if manifest
            else f"{context.wishes.provider_place} is python, but the source has no Python program."
        )
        raise unknown_source(app.names(), problem, remedy)
    servers = missing_servers([parts.start, *context.wishes.processes.values()], parts.dependencies)
    needs_project = bool(parts.script and parts.script.needs_project and not context.wishes.start)
    install = choose_install(context.source, app, servers, needs_project=needs_project)
    return _compose(context, parts, install, plan_assets(context))


def _look(context: Context) -> _Parts:
    app = context.app
    dependencies = read_dependencies(app)
    web = find_django(app, dependencies) or find_app(app, dependencies)
    site = StaticSite("site") if web is None and "mkdocs" in dependencies and app.first_file("mkdocs.yml", "mkdocs.yaml") else None
    script = None if web or site else find_script(app)
    detected = serve(web, dependencies) if web else script.command if script else None
    start = context.wishes.start or (None if context.wishes.output else detected)
    return _Parts(dependencies, web, script, start, site)


def _others_can(app: SourceTree, has_manifest: bool) -> bool:  # noqa: FBT001  a private question
    """Say whether another provider is the better one for a source without a Python web application."""
    scripts = app.json("package.json").get("scripts")
    if isinstance(scripts, dict) and ("start" in scripts or "build" in scripts):
        return True
    return not has_manifest and app.is_file("index.html")


def _compose(context: Context, parts: _Parts, install: Install, assets: Assets | None) -> Plan:
    below = relative(context.app.prefix, install.root_dir)
    build = [assets.build if assets else None, parts.web.build if parts.web else None, "mkdocs build" if parts.site else None]
    commands = [command for command in build if command]
    installs = [command for command in (install.command, within(below, assets.install) if assets and assets.install else None) if command]
    cached = bool(install.lockfiles or not install.command) and (assets is None or bool(assets.lockfiles or not assets.install))
    lockfiles = (*install.lockfiles, *(assets.lockfiles if assets else ())) if cached else ()
    clue = (parts.web.found,) if parts.web else (parts.script.found,) if parts.script else ("mkdocs.yml",) if parts.site else ()
    return Plan(
        "python",
        framework=parts.web.framework if parts.web else "mkdocs" if parts.site else None,
        toolchains=(choose_python(context.version_folders, context.wishes.python, context.pins), *((assets.toolchain,) if assets else ())),
        install=" && ".join(installs) or None,
        build=within(below, " && ".join(commands)) if commands else None,
        processes={"web": within(below, parts.start)} if parts.start and not parts.site else {},
        static=StaticSite(join(below, parts.site.root)) if parts.site else None,
        root_dir=install.root_dir,
        variables={"PYTHONUNBUFFERED": "1", **_import_path(context.app, parts.web, below)},
        found=(*install.found, *clue, *(assets.found if assets else ())),
        lockfiles=lockfiles,
    )


def _import_path(app: SourceTree, web: WebApp | None, below: str) -> dict[str, str]:
    """Folders of the source that modules are imported from, for installs that leave the project itself out."""
    folders = [web.module_root] if web and web.module_root != "." else []
    if "src" not in folders and any(app.is_file(join("src", name, "__init__.py")) for name in app.names("src")):
        folders.append("src")
    return {"PYTHONPATH": ":".join(join("/app", below, folder) for folder in folders)} if folders else {}
