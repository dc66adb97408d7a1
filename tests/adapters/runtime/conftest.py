"""The process runtime on a home of its own; whatever a test starts is ended after it."""

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from canonry.adapters.runtime.process import ProcessRuntime
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra import cgroups, sandbox
from canonry.ports.builder import Mount
from canonry.ports.runtime import InstanceSpec, InstanceState, Resources

INS = f"ins_{secrets.token_hex(4)}_"  # ids are unique on the machine: another run of the tests may be under way


class Place:
    """A home with a space in its path, an app folder, and runtimes on them."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "a home")
        self.home.create()
        self.app = self.home.artifacts / "art_1" / "app"
        self.app.mkdir(parents=True)
        self.opened: list[ProcessRuntime] = []
        self.runtime = self.open()

    def open(self, *, sandboxed: bool = True, grouped: bool = True, allow_bare: bool = False) -> ProcessRuntime:
        settings = Settings(home=self.home.root, allow_no_sandbox=allow_bare)
        why_not = sandbox.why_unavailable if sandboxed else lambda: "forbidden by the test"
        self.opened.append(ProcessRuntime(self.home, settings, why_not, cgroups.create if grouped else lambda *_: None))
        return self.opened[-1]

    def spec(self, name: str, command: str, *, memory_mb: int = 64, processes: int = 64, mounts: tuple[Mount, ...] = (),
             directory: str = ".", **variables: str) -> InstanceSpec:  # fmt: skip
        return InstanceSpec(id=f"{INS}{name}", app=self.app, command=command, environment={"PATH": "/usr/bin:/bin", **variables},
                            log=self.home.instance_logs / f"{INS}{name}.log", resources=Resources(memory_mb, processes=processes),
                            mounts=mounts, directory=directory)  # fmt: skip

    def output(self, name: str) -> str:
        return (self.home.instance_logs / f"{INS}{name}.log").read_text()

    def ended(self, name: str, seconds: float = 60) -> InstanceState:
        self.wait(lambda: not self.state(name).running, seconds)
        return self.state(name)

    def state(self, name: str) -> InstanceState:
        state = self.runtime.state(f"{INS}{name}")
        assert state is not None
        return state

    def said(self, name: str, text: str) -> None:
        self.wait(lambda: text in self.output(name))

    def wait(self, is_so: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)

    def output_of(self, command: str, **variables: str) -> list[str]:
        """Run a command to its end in the sandbox and return its lines."""
        lines: list[str] = []
        self.runtime.run(self.spec("run", command, **variables), lines.append, 20)
        return lines


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    for state in place.runtime.states():
        place.runtime.stop(state.id, 0)
        place.runtime.forget(state.id)
    for runtime in place.opened:
        runtime.close()
