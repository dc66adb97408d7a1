"""Following a log over a connection that may break: reconnect, resume after the last event, give up after a minute."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from canonry.client.api import Api, Stream
from canonry.client.models import BuildLine, Deployment, RuntimeLine
from canonry.client.sse import ServerEvent
from canonry.core.errors import Unavailable

FINISHED = frozenset({"live", "superseded", "failed", "cancelled"})

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 3.0
_EVERYTHING: Mapping[str, str | None] = {}


@dataclass(frozen=True)
class Patience:
    """How long to go on without contact, in seconds, and how to wait."""

    seconds: float = 60.0
    sleep: Callable[[float], None] = time.sleep


def follow_build(api: Api, deployment: str, show: Callable[[BuildLine], None], patience: Patience | None = None) -> Deployment:
    """Hand every line of a deployment's log to `show`, each once and in order; return the deployment when it is finished.

    A server that goes away and comes back in the meantime is waited for.
    Raises: Unavailable `contact_lost` when it stays away, and whatever else the API answers.
    """
    seen = -1
    for event in _events(lambda last_id: api.stream_build(deployment, last_id), patience or Patience()):
        if event is None:
            continue
        data = json.loads(event.data)
        if event.name == "done":
            finished: Deployment = data["deployment"]
            return finished
        if event.name == "line" and data["seq"] > seen:
            seen = data["seq"]
            show(data)
    raise AssertionError  # pragma: no cover -- the events only end by `done` or an error


def follow_runtime(
    api: Api, project: str, cursor: str, patience: Patience | None = None, *, narrowed: Mapping[str, str | None] = _EVERYTHING
) -> Iterator[RuntimeLine]:
    """Give what the instances of a project write behind `cursor` (the `next_cursor` of a page), as they write it, without end.

    narrowed: q, process; None or absent takes everything.
    """
    # Only some lines carry a cursor; those given since the last one come again when the connection breaks.
    given: Counter[str] = Counter()
    again: Counter[str] = Counter()
    for event in _events(lambda last_id: api.stream_runtime(project, last_id, narrowed), patience or Patience(), cursor):
        if event is None:
            again = given.copy()
        elif event.name == "line":
            if again[event.data] > 0:
                again[event.data] -= 1
            else:
                given[event.data] += 1
                yield json.loads(event.data)
            if event.last_id not in {"", cursor}:
                cursor = event.last_id
                given.clear()
                again.clear()


def _events(connect: Callable[[str], Stream], patience: Patience, last_id: str = "") -> Iterator[ServerEvent | None]:
    """Give the events of one connection after the other, and None between two of them."""
    pause = _FIRST_PAUSE
    last_contact = time.monotonic()
    while True:
        opened = time.monotonic()
        failure: Unavailable | None = None
        try:
            with connect(last_id) as events:
                for event in events:
                    last_id = event.last_id or last_id
                    pause, last_contact = _FIRST_PAUSE, time.monotonic()
                    yield event
        except Unavailable as error:
            failure = error
        if time.monotonic() - opened > 1 and not _is_unreachable(failure):
            last_contact = time.monotonic()  # it was open for a while and silent: a long build step, not an absent server
        if time.monotonic() - last_contact > patience.seconds:
            raise _lost(patience, failure) from failure
        patience.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
        yield None


def _lost(patience: Patience, failure: Unavailable | None) -> Unavailable:
    why = f" {failure.message}" if failure else ""
    hint = "A deployment goes on by itself; follow it again with: canonry deployments logs --follow."
    return Unavailable("contact_lost", f"There has been no contact for {patience.seconds:.0f} s.{why}", hint=hint)


def _is_unreachable(failure: Unavailable | None) -> bool:
    return failure is not None and failure.code != "connection_broken"
