"""The keeper and the log files it lives beside."""

import threading
import time
from pathlib import Path

from canonry.infra.keeper import Keeper, Kept
from canonry.infra.logs import keep_short
from tests.support.waiting import until


class Flame:
    """A service that can go out."""

    def __init__(self, failures: int = 0) -> None:
        self.burns = True
        self.starts: list[float] = []
        self._failures = failures
        self._lock = threading.Lock()

    def start(self) -> None:
        with self._lock:
            self.starts.append(time.monotonic())
            if len(self.starts) <= self._failures:
                raise OSError("wet")
            self.burns = True


def _keeper(*flames: Flame) -> Keeper:
    return Keeper([Kept("flame", lambda flame=flame: flame.burns, flame.start) for flame in flames], interval=0.02)  # type: ignore[misc]


def test_what_died_is_started_again_and_what_lives_is_left_alone() -> None:
    dead, alive = Flame(), Flame()
    keeper = _keeper(dead, alive)
    keeper.start()
    dead.burns = False
    until(lambda: dead.burns)
    keeper.stop()
    assert len(dead.starts) == 1
    assert alive.starts == []


def test_a_start_that_fails_is_tried_again_ever_later() -> None:
    flame = Flame(failures=2)
    flame.burns = False
    keeper = _keeper(flame)
    keeper.start()
    until(lambda: flame.burns)
    keeper.stop()
    first, second, third = flame.starts
    assert third - second > second - first > 0.2


def test_one_that_hangs_delays_no_other() -> None:
    gate = threading.Event()
    other = Flame()
    other.burns = False
    keeper = Keeper([Kept("hanging", lambda: False, gate.wait), Kept("other", lambda: other.burns, other.start)], interval=0.02)
    keeper.start()
    until(lambda: other.burns)
    gate.set()
    keeper.stop()


def test_nothing_is_started_after_the_stop() -> None:
    flame = Flame()
    keeper = _keeper(flame)
    keeper.start()
    keeper.stop()
    flame.burns = False
    time.sleep(0.1)
    assert flame.starts == []


def test_a_long_log_is_emptied_under_its_writer_and_its_end_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * (3 << 20) + b"the end\n")
        keep_short(log, limit=4 << 20)
        assert log.stat().st_size > 3 << 20
        keep_short(log, limit=2 << 20)
        assert log.stat().st_size == 0
        writer.write(b"goes on\n")
    assert log.read_bytes() == b"goes on\n"
    assert log.with_name("some.log.1").read_bytes().endswith(b"the end\n")
    keep_short(tmp_path / "none.log")
