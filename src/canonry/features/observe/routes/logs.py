"""HTTP for runtime logs: pages, and lines as they are written."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from canonry.core.access import Actor, Permission
from canonry.core.errors import CanonryError
from canonry.core.masking import Mask
from canonry.core.moments import parse_since
from canonry.features import deployments, projects
from canonry.features.deployments import Instance
from canonry.features.observe.logs import reading
from canonry.features.observe.logs.cursor import parse_cursor, write_cursor
from canonry.http.deps import ActorDep, Services, ServicesDep
from canonry.http.routing import Routes
from canonry.http.stream import event, stream

router = Routes(tags=["Deployments"])

_PAGE = 2000
_LOOK_EVERY = 0.2
_INSTANCES_EVERY = 2.0
_KEEP_ALIVE = 15.0

Since = Annotated[str | None, Query(max_length=64, description="an ISO 8601 time, or so long ago: 90s, 10m, 2h, 1d")]


type _Sources = tuple[list[Instance], dict[str, Mask]]


class LogLineBody(BaseModel):
    """One line that an instance wrote; `process` is the process and the instance's index."""

    ts: str
    instance: str
    process: str
    deployment: str
    text: str


class LogsAnswer(BaseModel):
    """Lines in the order of time; `next_cursor` goes on behind the last."""

    lines: list[LogLineBody]
    next_cursor: str


@router.operation("GET", "/projects/{project}/logs", Permission.PROJECTS_READ)
def read_logs(
    project: str, actor: ActorDep, services: ServicesDep, since: Since = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 200, cursor: Annotated[str | None, Query(max_length=20_000)] = None,
) -> LogsAnswer:  # fmt: skip
    """Read the runtime log: on from `cursor`, or from `since` on, or the newest lines."""
    offsets = None if cursor is None else parse_cursor(cursor)
    moment = None if since is None else parse_since(since)
    page = reading.read(services.home, *_instances(services, actor, project), offsets=offsets, since=moment, limit=limit)
    return LogsAnswer(lines=[_body(line) for line in page.lines], next_cursor=write_cursor(page.offsets))


@router.operation("GET", "/projects/{project}/logs/stream", Permission.PROJECTS_READ, response_class=StreamingResponse)
async def follow_logs(
    project: str, actor: ActorDep, services: ServicesDep, since: Since = None, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """Follow the runtime log; `Last-Event-ID` goes on where a broken connection ended."""
    offsets = None if last_event_id is None else parse_cursor(last_event_id)
    moment = None if since is None else parse_since(since)
    instances = await run_in_threadpool(_instances, services, actor, project)
    first = await run_in_threadpool(reading.read, services.home, *instances, offsets=offsets, since=moment, limit=_PAGE)
    return stream(_follow(services, actor, project, instances, first))


async def _follow(services: Services, actor: Actor, project: str, instances: _Sources, page: reading.LogPage) -> AsyncIterator[str]:
    looked = said = time.monotonic()
    while True:
        cursor = write_cursor(page.offsets)
        for index, line in enumerate(page.lines):
            # Only the last line of a page carries the cursor: a client that comes back with an older one sees the page again, never a gap.
            yield event("line", _body(line).model_dump(), event_id=cursor if index == len(page.lines) - 1 else None)
        if page.lines:
            said = time.monotonic()
        elif time.monotonic() - said > _KEEP_ALIVE:
            said = time.monotonic()
            yield ": still here\n\n"
        if len(page.lines) < _PAGE:
            await asyncio.sleep(_LOOK_EVERY)
        if time.monotonic() - looked > _INSTANCES_EVERY:
            looked = time.monotonic()
            try:
                instances = await run_in_threadpool(_instances, services, actor, project)
            except CanonryError:  # the project is gone, or the database is away: the client comes back with its cursor
                return
        page = await run_in_threadpool(reading.read, services.home, *instances, offsets=page.offsets, since=None, limit=_PAGE)


def _instances(services: Services, actor: Actor, project: str) -> _Sources:
    with services.transactions.begin() as tx:
        found = deployments.logged_instances(tx, projects.find(tx, actor, project))
    return found, deployments.masks(services, {instance.release_id for instance in found})


def _body(line: reading.LogLine) -> LogLineBody:
    return LogLineBody(ts=line.ts.isoformat(), instance=line.instance, process=line.process, deployment=line.deployment, text=line.text)
