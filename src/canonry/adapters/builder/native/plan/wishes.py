"""What people asked for, from four places: the project's settings win over canonry.toml, which wins over the Procfile.

What is detected comes last; `apply_wishes` lays the wishes over it. A wish that could have no effect is an error, except
for the project's own version and health settings, which may wait for a source that uses them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from canonry.adapters.builder.native.plan.config import (
    FILE,
    ProjectFile,
    check_command,
    check_folder,
    check_health_path,
    check_provider,
    check_version,
    read_project_file,
)
from canonry.adapters.builder.native.plan.problems import invalid_config
from canonry.adapters.builder.native.plan.procfile import FILE as PROCFILE
from canonry.adapters.builder.native.plan.procfile import read_procfile
from canonry.adapters.builder.native.plan.shell import with_programs, within
from canonry.adapters.builder.native.plan.tree import SourceTree, join, relative
from canonry.adapters.builder.native.plan.versions import Request
from canonry.ports.builder import DeclaredVolume, Plan, PlanSettings, StaticSite

_PROJECT = "project setting"
_REPLACED = {
    "runtime": ("build.provider",),
    "python_version": ("build.python",),
    "node_version": ("build.node",),
    "install_command": ("build.install",),
    "build_command": ("build.build",),
    "start_command": ("run.start", "processes.web", "build.output"),
    "output_dir": ("build.output", "run.start", "processes.web"),
    "health_path": ("run.health_path",),
    "root_dir": ("build.root_dir",),
}
"""Setting of the project → keys of canonry.toml that have no effect beside it."""


@dataclass(frozen=True)
class Wishes:
    """The merged wishes. start: the web process's command; output: the folder to serve; at most one of the two is set."""

    provider: str | None = None
    python: Request | None = None
    node: Request | None = None
    install: str | None = None
    build: str | None = None
    output: str | None = None
    single_page: bool | None = None
    start: str | None = None
    release: str | None = None
    port: int | None = None
    health_path: str | None = None
    caches: tuple[str, ...] = ()
    processes: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[DeclaredVolume, ...] = ()
    overrides: tuple[str, ...] = ()
    mask: str | None = None
    database_assert: str | None = None
    notes: tuple[str, ...] = ()
    file_keys: frozenset[str] = frozenset()

    @property
    def provider_place(self) -> str:
        """Who says which provider it is, as people know it."""
        return "The project's runtime" if f"{_PROJECT} runtime" in self.overrides else f"{FILE} build.provider"


def locate_root(source: SourceTree, settings: PlanSettings) -> SourceTree:
    """Return the folder of the app: the project's root_dir, else the one in canonry.toml, else the whole source.

    Raises: Invalid `invalid_config` when it leaves the source or is not there.
    """
    if settings.root_dir:
        place, folder = f"{_PROJECT} root_dir", check_folder(f"{_PROJECT} root_dir", settings.root_dir)
    else:
        place, folder = f"{FILE} build.root_dir", str(read_project_file(source).values.get("build.root_dir", "."))
    if not source.is_folder(folder):
        raise invalid_config(
            place, f"names a folder that is not in the source: {folder}", f"At its top are: {', '.join(source.names()[:12])}."
        )
    return source.at(folder)


def gather_wishes(source: SourceTree, app: SourceTree, settings: PlanSettings) -> Wishes:
    """Read every place of wishes for the app in `app`. Raises: Invalid `invalid_config` naming file and key."""
    own = app.prefix != source.prefix and app.is_file(FILE)
    wished = read_project_file(app if own else source)
    if own and "build.root_dir" in wished.values:
        raise invalid_config(
            f"{app.shown(FILE)} build.root_dir", "stands in the file of the folder itself", "Set it in the topmost canonry.toml."
        )
    procfile = read_procfile(app)
    wishes = _from_file(wished, procfile)
    if settings.provider:
        wishes = replace(wishes, provider=check_provider(f"{_PROJECT} runtime", settings.provider))
    wishes = _decide_result(wishes, settings, wished, procfile)
    return _add_settings(wishes, settings)


def apply_wishes(plan: Plan, wishes: Wishes, app: SourceTree) -> Plan:
    """Lay the wishes over a detected plan; commands and folders that people name are meant from the app's own folder.

    Raises: Invalid `invalid_config` for a key of canonry.toml that could do nothing.
    """
    below = relative(app.prefix, plan.root_dir)
    static = _wished_site(plan, wishes, below)
    processes = (
        {}
        if static
        else {"web": _placed(plan, below, wishes.start)}
        if wishes.start
        else {key: cmd for key, cmd in plan.processes.items() if key == "web"}
    )
    plan = replace(
        plan,
        install=within(below, wishes.install) if wishes.install else plan.install,
        lockfiles=() if wishes.install else plan.lockfiles,
        build=_placed(plan, below, wishes.build) if wishes.build else plan.build,
        release=_placed(plan, below, wishes.release) if wishes.release else plan.release,
        static=static,
        processes={**processes, **{name: _placed(plan, below, command) for name, command in wishes.processes.items()}},
        port=wishes.port,
        caches=tuple(dict.fromkeys((*plan.caches, *(join(below, folder) for folder in wishes.caches)))),
        variables={**plan.variables, **wishes.variables},
        health_path=wishes.health_path or plan.health_path,
        found=(*plan.found, *wishes.notes),
        overrides=wishes.overrides,
        mask=join(app.prefix, wishes.mask) if wishes.mask else None,
        volumes=wishes.volumes,
        database_assert=wishes.database_assert,
    )
    _refuse_idle_keys(plan, wishes)
    return plan


def _from_file(wished: ProjectFile, procfile: Mapping[str, str]) -> Wishes:
    values = wished.values
    for name, better in (("release", "run.release"), ("web", "run.start")):
        if name in wished.processes and (name == "release" or better in values):
            raise invalid_config(f"{FILE} processes.{name}", f"belongs to {better}", f"Keep only {better}.")
    others = {name: command for name, command in {**procfile, **wished.processes}.items() if name not in {"web", "release"}}
    release = cast("str | None", values.get("run.release")) or procfile.get("release")
    return Wishes(
        provider=cast("str | None", values.get("build.provider")),
        python=_request(values, "python"),
        node=_request(values, "node"),
        install=cast("str | None", values.get("build.install")),
        build=cast("str | None", values.get("build.build")),
        single_page=cast("bool | None", values.get("build.single_page")),
        release=release,
        port=cast("int | None", values.get("run.port")),
        health_path=cast("str | None", values.get("run.health_path")),
        caches=cast("tuple[str, ...]", values.get("build.caches", ())),
        processes=others,
        variables=wished.variables,
        mask=cast("str | None", values.get("database.mask")),
        volumes=wished.volumes,
        database_assert=cast("str | None", values.get("database.assert")),
        overrides=(
            *(f"{FILE} {key}" for key in values),
            *(f"{FILE} processes.{name}" for name in wished.processes),
            *(f"{FILE} env.{name}" for name in wished.variables),
            *(f"{FILE} volumes.{volume.name}" for volume in wished.volumes),
            *(
                f"{PROCFILE} {name}"
                for name in procfile
                if name not in wished.processes and not (name == "release" and "run.release" in values)
            ),
        ),
        file_keys=frozenset(values),
    )


def _decide_result(wishes: Wishes, settings: PlanSettings, wished: ProjectFile, procfile: Mapping[str, str]) -> Wishes:
    """Decide between site and server: whoever speaks with more weight decides; the same voice saying both is an error."""
    in_file = wished.values.get("run.start") or wished.processes.get("web")
    starts = [settings.start_command, in_file, procfile.get("web")]
    outputs = [settings.output_dir, wished.values.get("build.output"), None]
    first_start = next((rank for rank, value in enumerate(starts) if value), len(starts))
    first_output = next((rank for rank, value in enumerate(outputs) if value), len(outputs))
    if first_start == first_output < len(starts):
        place = (f"{_PROJECT}s output_dir and start_command", f"{FILE} build.output and run.start")[first_start]
        raise invalid_config(
            place, "ask for a static site and for a server at once", "Keep the output to serve files, the start to run a server."
        )
    if first_start < first_output:
        note = (f"output {outputs[first_output]} is not served: the start command decides",) if first_output < len(outputs) else ()
        place = (f"{_PROJECT} start_command", f"{FILE} run.start", f"{PROCFILE} web")[first_start]
        overrides = tuple(item for item in wishes.overrides if first_start == len(starts) - 1 or item != f"{PROCFILE} web")
        return replace(wishes, start=check_command(place, starts[first_start]), notes=note, overrides=overrides)
    if first_output < first_start:
        place = (f"{_PROJECT} output_dir", f"{FILE} build.output")[first_output]
        note = (f"the start command {starts[first_start]} is not used: the output decides",) if first_start < len(starts) else ()
        overrides = tuple(item for item in wishes.overrides if item != f"{PROCFILE} web")
        return replace(wishes, output=check_folder(place, outputs[first_output]), notes=note, overrides=overrides)
    return wishes


def _add_settings(wishes: Wishes, settings: PlanSettings) -> Wishes:
    asked = {
        "runtime": settings.provider,
        "python_version": settings.python_version,
        "node_version": settings.node_version,
        "install_command": settings.install_command,
        "build_command": settings.build_command,
        "start_command": settings.start_command,
        "output_dir": settings.output_dir,
        "health_path": settings.health_path,
        "root_dir": settings.root_dir,
    }
    lost = {f"{FILE} {key}" for name, keys in _REPLACED.items() if asked[name] for key in keys}
    return replace(
        wishes,
        python=_setting_request("python_version", settings.python_version) or wishes.python,
        node=_setting_request("node_version", settings.node_version) or wishes.node,
        install=_setting_command("install_command", settings.install_command) or wishes.install,
        build=_setting_command("build_command", settings.build_command) or wishes.build,
        health_path=check_health_path(f"{_PROJECT} health_path", settings.health_path) if settings.health_path else wishes.health_path,
        overrides=(
            *(f"{_PROJECT} {name}" for name, value in asked.items() if value),
            *(item for item in wishes.overrides if item not in lost),
        ),
    )


def _request(values: Mapping[str, object], language: str) -> Request | None:
    version = values.get(f"build.{language}")
    return Request(f"{FILE} build.{language}", str(version)) if version else None


def _setting_request(name: str, value: str | None) -> Request | None:
    return Request(f"{_PROJECT} {name}", check_version(f"{_PROJECT} {name}", value)) if value else None


def _setting_command(name: str, value: str | None) -> str | None:
    return check_command(f"{_PROJECT} {name}", value) if value else None


def _placed(plan: Plan, below: str, command: str) -> str:
    """Place a command as people write it: from the app's folder, and where Node is, with the programs of node_modules at hand."""
    has_node = any(tool.name == "node" for tool in plan.toolchains)
    return with_programs(below, command) if has_node else within(below, command)


def _wished_site(plan: Plan, wishes: Wishes, below: str) -> StaticSite | None:
    if wishes.start:
        return None
    if wishes.output is None and plan.static is None:
        return None
    root = join(below, wishes.output) if wishes.output else (plan.static.root if plan.static else ".")
    detected = plan.static.single_page if plan.static else False
    return StaticSite(root, single_page=detected if wishes.single_page is None else wishes.single_page)


def _refuse_idle_keys(plan: Plan, wishes: Wishes) -> None:
    languages = {tool.name for tool in plan.toolchains}
    idle = {
        "build.single_page": (plan.static is None, "only a static site has it; a server answers unknown paths itself"),
        "run.port": (plan.static is not None, "a static site is served by the edge and has no port"),
        "run.health_path": (plan.static is not None, "a static site is served by the edge and is not probed"),
        "build.python": ("python" not in languages, "this source uses no Python"),
        "build.node": ("node" not in languages, "this source uses no Node"),
    }
    for key, (is_idle, reason) in idle.items():
        if is_idle and key in wishes.file_keys:
            raise invalid_config(f"{FILE} {key}", f"would do nothing: {reason}", "Take the key out.")
    if plan.volumes and not plan.processes and plan.release is None:
        place = f"{FILE} volumes.{plan.volumes[0].name}"
        raise invalid_config(place, "would do nothing: a static site runs no process that could write to it", "Take the volume out.")
