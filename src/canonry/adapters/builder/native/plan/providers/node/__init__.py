"""Node: the package manager from the lock file, the framework from the dependencies, the start from the scripts."""

import re
from dataclasses import dataclass

from canonry.adapters.builder.native.plan.context import Context
from canonry.adapters.builder.native.plan.problems import unknown_source
from canonry.adapters.builder.native.plan.providers.node.frameworks import Framework, find_framework
from canonry.adapters.builder.native.plan.providers.node.installers import Installer, choose_installer, has_lifecycle, lockfiles
from canonry.adapters.builder.native.plan.providers.node.package import FILE, Package, read_package
from canonry.adapters.builder.native.plan.providers.node.scripts import (
    main_file,
    needs_bun,
    production_start,
    resolve,
    runnable,
    uses_development,
)
from canonry.adapters.builder.native.plan.providers.node.workspaces import Workspace, choose_member, find_workspace
from canonry.adapters.builder.native.plan.providers.static import FOLDERS, sends_all_to_index
from canonry.adapters.builder.native.plan.shell import quote, within
from canonry.adapters.builder.native.plan.tree import SourceTree, join, relative
from canonry.adapters.builder.native.plan.versions import choose_node
from canonry.ports.builder import Plan, StaticSite

_BUN = "npm install --no-save --no-package-lock --no-audit --no-fund --prefix node_modules/.bun bun@1"


@dataclass(frozen=True)
class _Target:
    """The package to deploy. below: its folder under /app; framework and start as decided (one of them may be None)."""

    package: Package
    below: str
    installer: Installer
    framework: Framework | None
    start: str | None
    workspace: Workspace | None


def plan_node(context: Context) -> Plan | None:
    """Plan a Node package; None without package.json, or with one that is only for tools beside plain files.

    Raises: Invalid `unknown_source` when nothing says what to start or which folder to serve.
    """
    app = context.app
    package = read_package(app)
    if package is None:
        return None
    workspace = find_workspace(context.source, app)
    if workspace and workspace.root.prefix == app.prefix and not _is_program(package, context):
        app = app.at(choose_member(workspace))
        package = workspace.members[relative(app.prefix, workspace.root.prefix)]
    target = _choose_target(context, app, package, workspace)
    decided = target.start or (target.framework and target.framework.output) or context.wishes.output or context.wishes.processes
    if decided:
        return _compose(context, target)
    if (
        context.wishes.provider != "node"
        and "build" not in package.scripts
        and any(app.is_file(join(f, "index.html")) for f in (".", *FOLDERS))
    ):
        return None
    remedy = (
        'Add a "start" script to package.json, or say in canonry.toml which folder to serve ([build] output) or what to run ([run] start).'
    )
    raise unknown_source(app.names(), "package.json has no start script, no main file and no framework that Canonry knows.", remedy)


def _is_program(package: Package, context: Context) -> bool:
    wishes = context.wishes
    return bool(wishes.start or wishes.output or production_start(package) or find_framework(package, has_program=False))


def _choose_target(context: Context, app: SourceTree, package: Package, workspace: Workspace | None) -> _Target:
    root = workspace.root if workspace else app
    below = relative(app.prefix, root.prefix)
    installer = choose_installer(root, workspace.package if workspace else package)
    script = production_start(package)
    program = main_file(package)
    framework = find_framework(package, has_program=script is not None or program is not None)
    start: str | None = None
    if context.wishes.start:
        start = context.wishes.start
    elif script and not _is_usual(script, framework):
        start = runnable(package, script, below)
    elif framework and framework.start:
        start = _own_start(package, framework.start, below)
    elif program and not (framework and framework.output):
        start = within(below, f"exec node {quote(program)}")
    elif framework is None and (body := resolve(package, "start")):
        start = runnable(package, body, below)  # a file server, of a folder that only it knows
    return _Target(package, below, installer, framework, start, workspace)


def _is_usual(script: str, framework: Framework | None) -> bool:
    """Say whether a start script is the one its framework's template brings: then our own knows better how to listen."""
    return bool(
        framework
        and framework.server_scripts
        and re.match(rf"(?:cross-env (?:\S+=\S* )+|NODE_ENV=\S+ )?(?:{framework.server_scripts})", script)
    )


def _own_start(package: Package, start: str, below: str) -> str:
    """Make a framework's start runnable: it may begin with an assignment and `exec` a program of node_modules."""
    if "exec " not in start:
        return runnable(package, start, below)
    assignments, _, program = start.partition("exec ")
    command = f"env {assignments}{program}" if assignments.strip() else program
    return runnable(package, command, below)


def _compose(context: Context, target: _Target) -> Plan:
    package, framework, wishes = target.package, target.framework, context.wishes
    site = _site(target) if target.start is None or wishes.output else None
    build = _build(target, is_needed=target.start is None or framework is None or bool(framework.start or "build" in package.scripts))
    body = target.start or ""
    dev = (
        build is not None or bool(wishes.build) or has_lifecycle(package) or uses_development(package, body) or target.workspace is not None
    )
    install = target.installer.install(dev=dev) if _has_dependencies(target) else None
    packages = {".": target.workspace.package, **target.workspace.members} if target.workspace else {".": package}
    files = lockfiles(target.installer, packages) if install else ()
    if needs_bun(body):
        install = f"{install} && {_BUN}" if install else _BUN
    caches = framework.caches if framework else ()
    return Plan(
        "node",
        framework=framework.name if framework else None,
        toolchains=(choose_node(_version_folders(context, target), wishes.node, context.pins),),
        install=install,
        build=build,
        processes={"web": target.start} if target.start and not wishes.output else {},
        static=site,
        root_dir=target.installer.folder.prefix,
        caches=tuple(join(target.below, folder) for folder in caches),
        variables={"NODE_ENV": "production"},
        found=tuple(_clues(target)),
        lockfiles=files,
    )


def _site(target: _Target) -> StaticSite | None:
    framework = target.framework
    if framework is None or framework.output is None:
        return None
    tree = target.package.tree
    single = framework.single_page or sends_all_to_index(tree, "public") or sends_all_to_index(tree, "static")
    return StaticSite(join(target.below, framework.output), single_page=single)


def _build(target: _Target, *, is_needed: bool) -> str | None:
    """Return the build command from /app: local dependencies of a workspace first, then the package's own script or its framework's."""
    package, framework = target.package, target.framework
    script = framework.script if framework else "build"
    command: str | None = None
    if script in package.scripts:
        command = target.installer.run(script)
    elif framework and framework.fallback and is_needed:
        command = f"npx --no-install {framework.fallback}"
    if command is None:
        return None
    if framework:
        command = f"{framework.build_prefix}{command}" + (f" && {framework.build_suffix}" if framework.build_suffix else "")
    before = target.workspace.builds_before(package, target.installer) if target.workspace else []
    return " && ".join((*before, within(target.below, command)))


def _has_dependencies(target: _Target) -> bool:
    return bool(target.workspace or target.installer.lock or target.package.dependencies or target.package.dev)


def _version_folders(context: Context, target: _Target) -> list[SourceTree]:
    folders = {tree.prefix: tree for tree in (target.package.tree, target.installer.folder, context.source)}
    return list(folders.values())


def _clues(target: _Target) -> list[str]:
    clues = [target.package.tree.shown(FILE)]
    if target.framework:
        clues.append(f"{target.framework.name} in {target.package.tree.shown(FILE)}")
    if target.installer.lock:
        clues.append(target.installer.folder.shown(target.installer.lock))
    if target.workspace and target.below != ".":
        clues.append(f"workspace at {target.workspace.root.shown('package.json')}")
    return clues
