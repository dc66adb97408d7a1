"""A program of the tests: dies of SIGKILL at every step of `start` (or `stop`) in turn, and each time looks at what a new runtime finds.

Arguments: home, `start` or `stop`, every how many lines of code it dies. Prints one JSON object: steps tried and what was wrong.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from canonry.adapters.runtime.process import ProcessRuntime, processes
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra import cgroups
from canonry.ports.runtime import InstanceSpec, InstanceState, Resources


def main() -> None:
    home, what, stride = Home(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    home.create()
    (home.artifacts / "app").mkdir(exist_ok=True)
    settings = Settings(home=home.root)
    step, wrong, outcomes, died = 1, [], Counter[str](), True
    while died:
        spec = InstanceSpec(f"ins_{os.getpid()}_{what}{step}", home.artifacts / "app", "echo up; sleep 60", {"PATH": "/usr/bin:/bin"},
                            home.instance_logs / f"{what}{step}.log", Resources(64))  # fmt: skip
        died = crash(home, settings, spec, what, step)
        runtime = ProcessRuntime(home, settings)
        found = runtime.states()
        outcomes[found[0].reason or "running" if found else "nothing"] += 1
        wrong += [f"{what} step {step}: {problem}" for problem in problems(runtime, home.root, spec, found, starting=what == "start")]
        runtime.close()
        step += stride
    json.dump({"steps": step // stride, "wrong": wrong, "outcomes": outcomes}, sys.stdout)


def crash(home: Home, settings: Settings, spec: InstanceSpec, what: str, step: int) -> bool:
    """Return whether it died; False when it was through before that step."""
    pid = os.fork()
    if pid == 0:
        runtime = ProcessRuntime(home, settings)
        if what == "stop":
            runtime.start(spec)
            while not (spec.log.exists() and spec.log.read_text()):
                time.sleep(0.002)
        sys.settrace(Bomb(step).trace)
        runtime.start(spec) if what == "start" else runtime.stop(spec.id, 5)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


class Bomb:
    def __init__(self, lines: int) -> None:
        self.left = lines

    def trace(self, frame: FrameType, event: str, _argument: object) -> "object":
        if "adapters/runtime/process" not in frame.f_code.co_filename and "canonry/infra" not in frame.f_code.co_filename:
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.trace


def problems(runtime: ProcessRuntime, home: Path, spec: InstanceSpec, found: list[InstanceState], *, starting: bool) -> list[str]:
    wrong = []
    pids = processes.marked(spec.id)
    if len(found) > 1:
        wrong.append("more than one instance is found")
    if found and starting and not found[0].running:
        wrong.append(f"it is found ended: {found[0].reason}")
    if pids and not (found and found[0].running):
        wrong.append("processes live that nobody finds")
    runtime.stop(spec.id, 5)
    runtime.forget(spec.id)
    if processes.marked(spec.id):
        wrong.append("processes live on after stop")
    if cgroups.find(spec.id):
        wrong.append("the control group is left")
    if runtime.states() or (home / "instances" / spec.id).exists():
        wrong.append("a record is left")
    return wrong


if __name__ == "__main__":
    main()
