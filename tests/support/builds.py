"""Real builds in tests: a home of its own, sources from a few lines, and a look into what was built as the app will see it."""

import dataclasses
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from canonry.adapters.builder.native.builder import NativeBuilder
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.sandbox import Bind, Sandbox, sandboxed
from canonry.ports.builder import Artifact, BuildRequest, Limits, Plan

LIMITS = Limits(seconds=90, memory_mb=1024, disk_mb=1024)


class Workshop:
    """A builder with its home. `lines` is the log of the last build, `seconds` what it took."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.home.create()
        self.builder = NativeBuilder(self.home, Settings(home=root))
        self.lines: list[str] = []
        self.seconds = 0.0
        self._count = 0

    def request(self, plan: Plan, files: Mapping[str, str | bytes], **fields: object) -> BuildRequest:
        """Write the files as a source and return a request to build it. fields: of the request, when not the usual ones."""
        self._count += 1
        work = self.home.builds / f"dep_{self._count}"
        (work / "source").mkdir(parents=True)
        for name, content in files.items():
            path = work / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        request = BuildRequest(source=work / "source", plan=plan, cache_key="prj_1", work=work, limits=LIMITS)
        return dataclasses.replace(request, **fields)  # type: ignore[arg-type]

    def build(self, plan: Plan, files: Mapping[str, str | bytes], **fields: object) -> Artifact:
        """Build such a source."""
        return self.run(self.request(plan, files, **fields))

    def run(self, request: BuildRequest) -> Artifact:
        """Build this request."""
        self.lines = []
        started = time.monotonic()
        try:
            return self.builder.build(request, self.lines.append)
        finally:
            self.seconds = time.monotonic() - started

    @property
    def log(self) -> str:
        """The last build's log as one text."""
        return "\n".join(self.lines)

    def leftovers(self) -> list[str]:
        """Return what a build must not leave: half-made artifacts and layers."""
        return [str(path.relative_to(self.home.root)) for path in self.home.artifacts.glob(".drafts/*")]


def run_in(artifact: Artifact, command: str) -> str:
    """Run a shell command as the app would run (app and mounts read-only) and return what it prints. Raises when it fails."""
    binds = [Bind(artifact.folder / "app", "/app"), *(Bind(mount.source, mount.target) for mount in artifact.mounts)]
    argv = sandboxed(Sandbox(binds=binds, directory="/app"), ["/bin/sh", "-c", command])
    result = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False, env=dict(artifact.environment))
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


def processes_with(text: str) -> list[int]:
    """Return the pids of processes whose command line holds `text`."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = Path(entry.path, "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if text in command:
                found.append(int(entry.name))
    return found
