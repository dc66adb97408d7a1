"""A builder that runs nothing: for tests of what lies above it, and for trying Canonry where no sandbox is."""

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from canonry.adapters.builder.native.plan.config import read_project_file
from canonry.adapters.builder.native.plan.tree import SourceTree
from canonry.core.errors import Invalid, NotFound
from canonry.infra.files import remove_tree
from canonry.ports.builder import Artifact, BuildRequest, LogLine, Plan, PlanSettings, StaticSite, Stored
from canonry.ports.errors import BuildCancelled, BuildFailed
from canonry.ports.plans import plan_to_json


class MemoryBuilder:
    """Knows its artifacts in memory only; their files are copies of the source, for others read them.

    exit_codes: command → the exit code it ends with instead of running; every other command ends with 0. seconds: what each one takes.
    """

    def __init__(self, folder: Path, exit_codes: Mapping[str, int] | None = None, seconds: float = 0.0) -> None:
        self._folder = folder
        self._exit_codes = dict(exit_codes or {})
        self._seconds = seconds
        self._artifacts: dict[str, Artifact] = {}
        self._lock = threading.Lock()
        self.forgotten: list[str] = []

    def plan(self, source: Path, settings: PlanSettings) -> Plan:
        """See `ports.builder.Builder.plan`. Knows `index.html` (static), `Procfile` or `start.sh` (shell), and volumes."""
        root_dir = settings.root_dir or "."
        for name, folder in (("root_dir", root_dir), ("output_dir", settings.output_dir or ".")):
            inside = (source / root_dir / folder if name == "output_dir" else source / folder).resolve().is_relative_to(source.resolve())
            if not inside or (name == "root_dir" and not (source / folder).is_dir()):
                raise Invalid(
                    "invalid_config", f"{name} is no folder inside the source: {folder!r}.", hint="Write it relative to the source."
                )
        tree = source / root_dir
        health = settings.health_path or "/"
        volumes = read_project_file(SourceTree(tree)).volumes
        if (tree / "index.html").is_file():
            return Plan(
                "static", static=StaticSite(settings.output_dir or "."), root_dir=root_dir, health_path=health, found=("index.html",)
            )
        if (tree / "Procfile").is_file():
            commands = dict(line.split(": ", 1) for line in (tree / "Procfile").read_text().splitlines())
            return Plan("shell", install=settings.install_command, build=settings.build_command, release=commands.pop("release", None),
                        processes=commands, root_dir=root_dir, health_path=health, found=("Procfile",), volumes=volumes)  # fmt: skip
        if (tree / "start.sh").is_file():
            command = settings.start_command or "sh start.sh"
            return Plan("shell", install=settings.install_command, build=settings.build_command, processes={"web": command},
                        root_dir=root_dir, health_path=health, found=("start.sh",), volumes=volumes)  # fmt: skip
        names = ", ".join(sorted(entry.name for entry in os.scandir(tree))[:5]) or "nothing"
        raise Invalid(
            "unknown_source", f"The source holds {names}; that is no kind of app Canonry knows.", hint="Add an index.html or a start.sh."
        )

    def faults(self, settings: PlanSettings) -> dict[str, str]:
        """See `ports.builder.Builder.faults`. Knows what a folder inside the source is, and its own two providers."""
        folders = {"root_dir": settings.root_dir, "output_dir": settings.output_dir}
        outside = {name for name, value in folders.items() if value and (value.startswith("/") or ".." in value.split("/"))}
        unknown = {"provider"} if settings.provider not in {None, "static", "shell"} else set()
        return dict.fromkeys(sorted(outside | unknown), "is not known. Take it out.")

    def build(self, request: BuildRequest, log: LogLine) -> Artifact:
        """See `ports.builder.Builder.build`."""
        deadline = time.monotonic() + request.limits.seconds
        tree = request.source / request.plan.root_dir
        identity = _identity(tree, request)
        with self._lock:
            found = self._artifacts.get(identity)
        if found:
            log(f"Nothing has changed since {identity}: using it again")
            return replace(found, reused=True)
        for what, command in (("install", request.plan.install), ("build", request.plan.build)):
            _check(request, deadline)
            if command:
                log(f"$ {command}")
                self._pass_time(request, deadline)
                if code := self._exit_codes.get(command, 0):
                    raise BuildFailed(
                        f"{what}_failed", f"The {what} command `{command}` ended with exit code {code}.", hint="Correct the command."
                    )
        return self._keep(identity, tree, request.plan)

    def load(self, artifact_id: str) -> Artifact:
        """See `ports.builder.Builder.load`."""
        with self._lock:
            if found := self._artifacts.get(artifact_id):
                return found
        raise NotFound("artifact_missing", f"There is no artifact {artifact_id}.", hint="Deploy again: it is built anew.")

    def remove(self, artifact_id: str) -> None:
        """See `ports.builder.Builder.remove`."""
        with self._lock:
            if found := self._artifacts.pop(artifact_id, None):
                remove_tree(found.folder)

    def forget(self, cache_key: str) -> None:
        """See `ports.builder.Builder.forget`. It keeps nothing between builds but its artifacts, and notes what it was asked."""
        self.forgotten.append(cache_key)

    def stored(self) -> list[Stored]:
        """See `ports.builder.Builder.stored`. It keeps nothing between builds."""
        return []

    def discard(self, stored: Stored) -> bool:
        """See `ports.builder.Builder.discard`."""
        del stored
        return False

    def _pass_time(self, request: BuildRequest, deadline: float) -> None:
        end = time.monotonic() + self._seconds
        while time.monotonic() < end:
            _check(request, deadline)
            time.sleep(0.01)

    def _keep(self, identity: str, tree: Path, plan: Plan) -> Artifact:
        folder = self._folder / identity
        content = tree / plan.static.root if plan.static else tree
        if not content.is_dir():
            raise BuildFailed(
                "output_missing", f"The build made no folder `{content.name}`.", hint="Set output_dir to what the build writes."
            )
        shutil.copytree(content, folder / ("site" if plan.static else "app"), symlinks=True, dirs_exist_ok=True)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        artifact = Artifact(identity, folder, plan, environment=dict(plan.variables), size_bytes=size)
        with self._lock:
            return self._artifacts.setdefault(identity, artifact)


def _identity(tree: Path, request: BuildRequest) -> str:
    files = [
        (str(path.relative_to(tree)), path.read_bytes().hex(), os.access(path, os.X_OK))
        for path in sorted(tree.rglob("*"))
        if path.is_file()
    ]
    key = json.dumps([files, plan_to_json(request.plan), request.variables_digest, request.cache_key])
    return "art_" + hashlib.sha256(key.encode()).hexdigest()[:32]


def _check(request: BuildRequest, deadline: float) -> None:
    if request.cancelled():
        raise BuildCancelled("build_cancelled", "The build was cancelled.")
    request.room()
    if time.monotonic() > deadline:
        raise BuildFailed(
            "build_timeout", f"The build took longer than {request.limits.seconds} s and was stopped.", hint="Make the build do less."
        )
