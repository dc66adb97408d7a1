"""HTTP for build logs as they are written: server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from canonry.core.access import Actor, Permission
from canonry.core.errors import CanonryError
from canonry.features import projects
from canonry.features.deployments import build_log, service
from canonry.features.deployments.models import UNFINISHED, Status
from canonry.features.deployments.routes.sources import DeployBody, ask
from canonry.features.deployments.schemas import DeploymentBody, DeployRequest, body_of
from canonry.http.deps import ActorDep, Services, ServicesDep
from canonry.http.routing import Routes
from canonry.http.stream import event, stream

router = Routes(tags=["Deployments"])

_LINES = 500
_QUICK, _SLOW, _QUICK_LOOKS = 0.02, 0.2, 150
_LOOK_UP_EVERY = 25  # empty looks between two questions to the database: the log's own end is the usual sign
_KEEP_ALIVE_LOOKS = 75


@router.operation("GET", "/deployments/{deployment}/logs/stream", Permission.PROJECTS_READ, response_class=StreamingResponse)
async def follow_build_log(
    deployment: str, actor: ActorDep, services: ServicesDep, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """Follow the build log; `Last-Event-ID` goes on where a broken connection ended."""
    await run_in_threadpool(_look_up, services, actor, deployment)
    known = last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19  # fits a file
    after = int(last_event_id) if last_event_id is not None and known else 0
    return stream(_lines(services, actor, deployment, after))


@router.operation("POST", "/projects/{project}/deploy/stream", Permission.PROJECTS_DEPLOY, response_class=StreamingResponse)
async def deploy_and_follow(project: str, actor: ActorDep, services: ServicesDep, body: DeployBody = None) -> StreamingResponse:
    """Deploy the project's current source and follow it: `start`, a `step` for each line, then `done` or `error`."""

    def request() -> tuple[str, DeploymentBody]:
        with services.transactions.begin() as tx:
            found, deployment = ask(tx, actor, services, project, body or DeployRequest())
        return found.id, body_of(deployment, found)

    project_id, deployment = await run_in_threadpool(request)
    return stream(_steps(services, actor, project_id, deployment))


async def _lines(services: Services, actor: Actor, deployment_id: str, after: int) -> AsyncIterator[str]:
    async for page in _pages(services, actor, deployment_id, after):
        if page is None:
            yield ": still here\n\n"
            continue
        for line, cursor in page:
            yield event("line", line, event_id=cursor)
    body = await run_in_threadpool(_look_up, services, actor, deployment_id)
    yield event("done", {"deployment": body.model_dump()})


async def _steps(services: Services, actor: Actor, project_id: str, deployment: DeploymentBody) -> AsyncIterator[str]:
    yield event("start", {"projectId": project_id, "deployId": deployment.id, "trigger": deployment.trigger})
    async for page in _pages(services, actor, deployment.id, 0):
        if page is None:
            yield ": still here\n\n"
            continue
        for line, _cursor in page:
            yield event(
                "step",
                {"at": line["ts"], "deploymentId": deployment.id, "projectId": project_id, "step": line["stream"], "text": line["text"]},
            )
    body = await run_in_threadpool(_look_up, services, actor, deployment.id)
    if body.status == Status.LIVE or body.error is None:
        yield event("done", {"deployment": body.model_dump()})
    else:
        yield event(
            "error", {"error": body.error.code, "message": body.error.message, "hint": body.error.hint, "deployment": body.model_dump()}
        )


type _Page = list[tuple[dict[str, object], str]] | None


async def _pages(services: Services, actor: Actor, deployment_id: str, after: int) -> AsyncIterator[_Page]:
    """Give pages of (line, cursor after it) until the deployment has ended; None now and then, to keep the connection alive."""
    looks = 0
    while True:
        page = await run_in_threadpool(build_log.read, services.home, deployment_id, after=after, limit=_LINES)
        if page.lines:
            seqs = [int(str(line["seq"])) for line in page.lines[1:]] + [page.next_seq]
            yield [(dict(line), str(seq)) for line, seq in zip(page.lines, seqs, strict=True)]
            looks = 0
        if page.closed:
            return
        after = max(after, page.next_seq)
        looks += 1
        if looks % _LOOK_UP_EVERY == 0 and not page.lines and await _ended(services, actor, deployment_id):
            return
        if looks % _KEEP_ALIVE_LOOKS == 0:
            yield None
        await asyncio.sleep(_QUICK if looks < _QUICK_LOOKS else _SLOW)


async def _ended(services: Services, actor: Actor, deployment_id: str) -> bool:
    try:
        body = await run_in_threadpool(_look_up, services, actor, deployment_id)
    except CanonryError:  # the project was deleted, or the database is away: there is nothing more to tell on this connection
        return True
    return Status(body.status) not in UNFINISHED


def _look_up(services: Services, actor: Actor, deployment_id: str) -> DeploymentBody:
    with services.transactions.begin() as tx:
        found = service.find(tx, actor, deployment_id)
        return body_of(found, projects.get_any(tx, found.project_id))
