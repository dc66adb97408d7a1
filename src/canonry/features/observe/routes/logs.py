"""HTTP for runtime logs: pages, and lines as they are written."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from canonry.core.access import Actor, Permission
from canonry.core.environments import PRODUCTION
from canonry.core.errors import CanonryError, Invalid, Issue
from canonry.core.moments import parse_since
from canonry.features import deployments, projects
from canonry.features.observe.environments import check_environment
from canonry.features.observe.logs import reading
from canonry.features.observe.logs.cursor import parse_cursor, write_cursor
from canonry.features.observe.logs.reading import LogLine, LogPage, Source
from canonry.http.deps import ActorDep, Services, ServicesDep
from canonry.http.routing import Routes
from canonry.http.stream import event, stream

router = Routes(tags=["Deployments"])

_PAGE = 2000
_LOOK_EVERY = 0.2
_INSTANCES_EVERY = 2.0
_KEEP_ALIVE = 15.0

Word = Annotated[str | None, Query(min_length=1, max_length=200, description="only lines with this in them, in any letter case")]
Process = Annotated[str | None, Query(max_length=64, description="only this process: web, or one instance of it: web.0")]
InstanceId = Annotated[str | None, Query(max_length=64, description="only the instance with this id")]
Environment = Annotated[str, Query(min_length=1, max_length=220, description="production, or preview/<branch>")]
Cursor = Annotated[str | None, Query(max_length=20_000)]
Since = Annotated[str | None, Query(max_length=64, description="an ISO 8601 time, or so long ago: 90s, 10m, 2h, 1d")]


@dataclass(frozen=True)
class Wanted:
    """Which lines are asked for."""

    word: str
    process: str | None
    instance: str | None
    environment: str


def _wanted(q: Word = None, process: Process = None, instance: InstanceId = None, environment: Environment = PRODUCTION) -> Wanted:
    return Wanted(q or "", process, instance, check_environment(environment, "query.environment"))


@dataclass(frozen=True)
class Place:
    """Where to read: on from `offsets`, or from `since` on, or back from `before`, or the newest."""

    since: datetime | None
    offsets: Mapping[str, int] | None
    before: Mapping[str, int] | None


def _place(since: Since = None, cursor: Cursor = None, before: Cursor = None) -> Place:
    back = None if before is None else parse_cursor(before, "query.before")
    if back is not None and (cursor is not None or since is not None):
        raise Invalid("invalid_cursor", "`before` goes back; it cannot be given together with `cursor` or `since`.", hint="Leave one out.",
                      issues=[Issue("query.before", "not together with cursor or since", "conflict")])  # fmt: skip
    return Place(None if since is None else parse_since(since), None if cursor is None else parse_cursor(cursor), back)


WantedDep = Annotated[Wanted, Depends(_wanted)]
PlaceDep = Annotated[Place, Depends(_place)]


class LogLineBody(BaseModel):
    """One line that an instance wrote; `process` is the process and the instance's index."""

    ts: str
    instance: str
    process: str
    deployment: str
    text: str


class LogsAnswer(BaseModel):
    """Lines in the order of time; `next_cursor` goes on behind the last one, `older_cursor` (as `before`) back from the first one.

    complete: everything in the direction that was read has been looked at. A search looks at some 64 MiB for one answer; when `complete` is
    false, ask again with the cursor.
    """

    lines: list[LogLineBody]
    next_cursor: str
    older_cursor: str | None
    complete: bool


@router.operation("GET", "/projects/{project}/logs", Permission.PROJECTS_READ)
def read_logs(
    project: str, actor: ActorDep, services: ServicesDep, wanted: WantedDep, place: PlaceDep,
    limit: Annotated[int, Query(ge=1, le=5000)] = 200,
) -> LogsAnswer:  # fmt: skip
    """Read or search the runtime log: on from `cursor`, or from `since` on, or back from `before`, or (none of them) the newest lines."""
    source = _source(services, actor, project, wanted)
    if place.offsets is None and place.since is None:
        page = reading.read_back(source, before=place.before, limit=limit, word=wanted.word)
    else:
        page = reading.read_on(source, offsets=place.offsets, since=place.since, limit=limit, word=wanted.word)
    return LogsAnswer(
        lines=[_body(line) for line in page.lines], next_cursor=write_cursor(page.offsets),
        older_cursor=None if page.older is None else write_cursor(page.older), complete=page.is_all,
    )  # fmt: skip


@router.operation("GET", "/projects/{project}/logs/stream", Permission.PROJECTS_READ, response_class=StreamingResponse)
async def follow_logs(
    project: str, actor: ActorDep, services: ServicesDep, wanted: WantedDep, since: Since = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:  # fmt: skip
    """Follow the runtime log; `Last-Event-ID` goes on where a broken connection ended."""
    offsets = None if last_event_id is None else parse_cursor(last_event_id)
    moment = None if since is None else parse_since(since)

    def look() -> Source:
        return _source(services, actor, project, wanted)

    source = await run_in_threadpool(look)
    if offsets is None and moment is None:
        first = await run_in_threadpool(reading.read_back, source, before=None, limit=_PAGE)
    else:
        first = await run_in_threadpool(reading.read_on, source, offsets=offsets, since=moment, limit=_PAGE)
    return stream(_follow(look, source, first, wanted.word))


async def _follow(look: Callable[[], Source], source: Source, page: LogPage, word: str) -> AsyncIterator[str]:
    looked = said = time.monotonic()
    while True:
        cursor = write_cursor(page.offsets)
        lines = [line for line in page.lines if not word or reading.has_word(line, word)]
        for index, line in enumerate(lines):
            # Only the last line of a page carries the cursor: a client that comes back with an older one sees the page again, never a gap.
            yield event("line", _body(line).model_dump(), event_id=cursor if index == len(lines) - 1 else None)
        if lines:
            said = time.monotonic()
        elif time.monotonic() - said > _KEEP_ALIVE:
            said = time.monotonic()
            yield ": still here\n\n"
        if len(page.lines) < _PAGE:
            await asyncio.sleep(_LOOK_EVERY)
        if time.monotonic() - looked > _INSTANCES_EVERY:
            looked = time.monotonic()
            try:
                source = await run_in_threadpool(look)
            except CanonryError:  # the project is gone, or the database is away: the client comes back with its cursor
                return
        page = await run_in_threadpool(reading.read_on, source, offsets=page.offsets, since=None, limit=_PAGE)


def _source(services: Services, actor: Actor, project: str, wanted: Wanted) -> Source:
    with services.transactions.begin() as tx:
        found = deployments.logged_instances(tx, projects.find(tx, actor, project), wanted.environment)
    masks = deployments.masks(services, {instance.release_id for instance in found})
    return Source(services.home, found, masks).chosen(wanted.process, wanted.instance)


def _body(line: LogLine) -> LogLineBody:
    return LogLineBody(ts=line.ts.isoformat(), instance=line.instance, process=line.process, deployment=line.deployment, text=line.text)
