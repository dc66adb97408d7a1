"""The last phases of a build: the build command over a view of the dependencies, then the artifact's folders."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from canonry.adapters.builder.native.artifacts import Draft
from canonry.adapters.builder.native.bounds import Bounds
from canonry.adapters.builder.native.caches import KeptFolders
from canonry.adapters.builder.native.failures import command_failed
from canonry.adapters.builder.native.installs import Installed
from canonry.adapters.builder.native.layers import real_folder
from canonry.adapters.builder.native.rooms import Room, View
from canonry.adapters.builder.native.sites import find_site, make_site
from canonry.adapters.builder.native.steps import Ended, run_step
from canonry.adapters.builder.native.views import Written, open_view
from canonry.adapters.builder.native.volume_points import make_mount_points
from canonry.infra.files import remove_tree
from canonry.infra.sandbox import Bind
from canonry.ports.builder import LogLine, Mount
from canonry.ports.errors import BuildFailed

_COMPILE_FROM = 40  # Python files of the app; below, compiling them at each start takes less than starting a compiler now


class Assembly:
    """Runs the build command and puts the artifact together. draft: the folder that becomes it."""

    def __init__(self, room: Room, installed: Installed, bounds: Bounds, log: LogLine, *, step: str, kept: Path, draft: Path) -> None:
        self._room = room
        self._installed = installed
        self._bounds = bounds
        self._log = log
        self._step = step
        self._kept = kept
        self._draft = draft
        self._written: list[tuple[Mount, Written | None]] = []

    def run_build(self) -> None:
        """Run the build command, if there is one. Raises: BuildFailed `build_failed`; what a bound raises."""
        command = self._room.request.plan.build
        if not command:
            return
        self._open_views()
        kept = KeptFolders(self._kept, self._room.request.plan.caches, self._locate)
        kept.bring()
        self._log(f"$ {command}")
        try:
            ended = self._run(["/bin/sh", "-c", command])
        finally:
            kept.take()
        if ended.code != 0:
            raise command_failed("build", command, ended.code, ended.tail)
        self._log(f"The build command took {ended.seconds:.1f} s")

    def assemble(self, identity: str) -> Draft:
        """Move everything into the draft folder and describe it. Raises: BuildFailed `output_missing`."""
        plan, tree = self._room.request.plan, self._room.tree
        self._draft.mkdir(parents=True)
        has_app = plan.static is None or bool(plan.processes) or plan.release is not None
        if plan.static is not None:
            folder = find_site(tree, plan.static.root)
            make_site(folder, self._draft / "site", self._log, keep=has_app, is_source=folder == tree)
        mounts: tuple[Mount, ...] = ()
        if has_app:
            self._compile()
            mounts = (*self._room.mounts(), *self._move_app())
            make_mount_points(self._draft / "app", plan.volumes, mounts)
        has_environment = any(mount.target == "/env" for mount in mounts)
        chosen = tuple(tool.chosen for tool in self._room.tools)
        layer = self._installed.layer
        uses_layer = layer is not None and any(mount.source.is_relative_to(layer.folder) for mount in mounts)
        return Draft(
            identity, self._draft, replace(plan, toolchains=chosen), mounts,
            self._room.running_environment(has_environment=has_environment) if has_app else {},
            layer.folder if layer is not None and uses_layer else None,
        )  # fmt: skip

    def _move_app(self) -> list[Mount]:
        """Make `app/` of the source, and return the folders that are mounted over or beside it at run time."""
        app = self._draft / "app"
        remove_tree(self._room.tree / ".git")
        shutil.move(self._room.tree, app)
        seen = self._written or [(mount, None) for mount in self._dependencies()]
        return [kept for mount, written in seen if (kept := self._keep(app, mount, written)) is not None]

    def _keep(self, app: Path, mount: Mount, written: Written | None) -> Mount | None:
        """Return the mount as the app will have it; None for node_modules that the build changed, which become part of `app/`."""
        is_changed = written is not None and written.is_changed()
        if not mount.target.startswith("/app/"):
            return self._keep_environment(mount, written if is_changed else None)
        point = _clear_mount_point(app, mount.target)
        if written is None or not is_changed:
            return mount
        point.rmdir()
        written.settle(point)
        return None

    def _keep_environment(self, mount: Mount, changed: Written | None) -> Mount:
        """Take an environment that is this build's own, or was changed by it, into the artifact; else mount the layer's."""
        target = self._draft / "env"
        if changed is not None:
            changed.settle(target)
        elif mount.source == self._installed.environment:
            mount.source.rename(target)
        else:
            return mount
        return Mount(target, mount.target)

    def _dependencies(self) -> list[Mount]:
        if self._installed.layer is not None:
            return list(self._installed.layer.mounts())
        return [Mount(self._installed.environment, "/env")] if self._installed.environment is not None else []

    def _open_views(self) -> None:
        for number, mount in enumerate(self._dependencies()):
            if mount.target.startswith("/app/"):
                _clear_mount_point(self._room.tree, mount.target)
            self._written.append((mount, self._open_one(mount, number)))

    def _open_one(self, mount: Mount, number: int) -> Written:
        if self._installed.environment is not None:  # nobody shares it
            return Written(mount.source, View(mount.target, bind=Bind(mount.source, mount.target, writable=True)), mount.source)
        return open_view(mount.source, mount.target, self._room.request.work / "views" / str(number))

    def _opened(self) -> list[tuple[Mount, Written]]:
        return [(mount, written) for mount, written in self._written if written is not None]

    def _locate(self, path: str) -> tuple[Path, str] | None:
        """Where a kept folder lies: in the source, or in what is written over a layer's node_modules."""
        for mount, written in self._opened():
            inside = mount.target.removeprefix("/app/")
            if path.startswith(f"{inside}/"):
                return written.upper, path.removeprefix(f"{inside}/")
        return self._room.tree, path

    def _compile(self) -> None:
        """Compile a larger app's own Python files: at run time they are read-only, so each start would do it again."""
        has_environment = any(mount.target == "/env" for mount in self._dependencies())
        if has_environment and _count_python(self._room.tree) >= _COMPILE_FROM:
            if not self._written:
                self._open_views()
            self._run(
                ["python", "-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash", "-x", "node_modules", "/app"]
            )

    def _run(self, argv: list[str]) -> Ended:
        sandbox = self._room.building([written.view for _, written in self._opened()])
        return run_step(argv, sandbox, self._room.environment(installing=False), self._bounds, self._log, name=self._step)


def _clear_mount_point(tree: Path, target: str) -> Path:
    """Make the folder that is `target` inside an empty one. A link on the way to it is refused: it may lead out of the tree."""
    parent, _, name = target.removeprefix("/app/").rpartition("/")
    folder = real_folder(tree, parent)
    if folder is None:
        raise BuildFailed("source_conflict", f"`{parent}` in the source is a link or a file where packages must be installed.",
                          hint="Remove it from the source.")  # fmt: skip
    remove_tree(folder / name)
    (folder / name).mkdir()
    return folder / name


def _count_python(tree: Path) -> int:
    return sum(name.endswith(".py") for folder, _, names in os.walk(tree) if "node_modules" not in folder for name in names)
