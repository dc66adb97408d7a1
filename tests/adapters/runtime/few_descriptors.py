"""A program of the tests: looks at an instance again and again while it may open fewer and fewer files. Argument: home.

Prints one JSON object: whether the instance still ran afterwards, and what the looks said.
"""

import contextlib
import json
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from canonry.adapters.runtime.process import ProcessRuntime
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.ports.runtime import InstanceSpec, Resources


def main() -> None:
    home = Home(Path(sys.argv[1]))
    home.create()
    (home.artifacts / "app").mkdir(exist_ok=True)
    runtime = ProcessRuntime(home, Settings(home=home.root))
    spec = InstanceSpec(f"ins_{os.getpid()}_few", home.artifacts / "app", "sleep 60", {"PATH": "/usr/bin:/bin"},
                        home.instance_logs / "few.log", Resources(64))  # fmt: skip
    runtime.start(spec)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    said = []
    for free in range(8):
        with open_all_but(free, hard):
            try:
                state = runtime.state(spec.id)
                said.append("running" if state is not None and state.running else "not running")
            except OSError as error:
                said.append(type(error).__name__)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    state = runtime.state(spec.id)
    json.dump({"said": said, "running": state is not None and state.running}, sys.stdout)
    runtime.stop(spec.id, 0)
    runtime.forget(spec.id)
    runtime.close()


@contextlib.contextmanager
def open_all_but(free: int, hard: int) -> Iterator[None]:
    """Leave the process so many file descriptors."""
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 -- as few descriptors as possible
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 16, hard))
    held = []
    with contextlib.suppress(OSError):
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    for descriptor in held[:free]:
        os.close(descriptor)
    try:
        yield
    finally:
        for descriptor in held[free:]:
            os.close(descriptor)


if __name__ == "__main__":
    main()
