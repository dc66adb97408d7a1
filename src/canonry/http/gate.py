"""What stands before a route: who calls, whether they may, and how often; then the body may be read.

A body is read when it is known who sends it. The one exception is a POST that only reads (`only_reads` in http/routing.py) and says that
its body is short: it is asked as a GET is, whole in one thread on one connection, so its body is read first (http/bodies.py says why that
harms nobody). What comes out is the same: whoever may not ask is told so, and not what is wrong with their question.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import CanonryError, Denied, Unauthenticated
from canonry.core.origin import Origin, current_origin
from canonry.http.bodies import Bodies, bounded, is_short
from canonry.http.conduct import ADMIT
from canonry.http.csrf import require_csrf, require_csrf_header
from canonry.http.deps import actor_of, came_by_cookie, org_actor_of, services_of
from canonry.http.idempotency import HEADER, once
from canonry.http.organizations import is_page, to_sign_in
from canonry.http.ratelimit import caller_of, limiter_of
from canonry.http.stream import EVENTS, while_admitted

type Handle = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True)
class OpenGate:
    """Before a route that anybody may call. handle: what answers; most: MiB of its body, where that differs from what `bodies` says."""

    handle: Handle
    bodies: Bodies
    most: int | None

    async def let_in(self, request: Request) -> Response:
        """Count the request and answer it."""
        if not limiter_of(request).is_free(request):
            await run_in_threadpool(_count, request)
        current_origin.set(origin_of(request))
        return await self.handle(bounded(request, self.bodies, megabytes=self.most))


@dataclass(frozen=True)
class Gate:
    """Before a route that needs a permission; None: it is enough to be known.

    in_organization: the caller has to act in the organization of the path. streams, repeatable: see http/idempotency.py.
    """

    handle: Handle
    bodies: Bodies
    most: int | None
    permission: Permission | None
    in_organization: bool
    streams: bool
    repeatable: bool

    async def let_in(self, request: Request) -> Response:
        """Find out who calls, then read the body and answer."""
        try:
            actor = await run_in_threadpool(self._admit, request)
        except (Unauthenticated, Denied) as error:
            if (answer := _page_for_strangers(request, error)) is not None:
                return answer
            raise
        current_origin.set(origin_of(request, actor))
        request = bounded(request, self.bodies, megabytes=self.most)
        if came_by_cookie(request):
            await require_csrf(request, services_of(request).vault, actor.credential_id)
        archive = self.bodies is Bodies.ARCHIVE
        response = await once(request, actor, self.handle, streams=self.streams, archive=archive, repeatable=self.repeatable)
        return _watched(response, partial(self._admit_again, request))

    async def let_in_a_question(self, request: Request) -> Response:
        """Answer; the thread that does it finds out first who calls (http/conduct.py)."""
        admit = request.scope[ADMIT] = partial(self._admit_question, request)
        try:
            try:
                return await self.handle(request)
            except (RequestValidationError, HTTPException):
                if ADMIT in request.scope:  # whoever may not ask is told that, and not what is wrong with the question
                    await run_in_threadpool(admit)
                raise
        except (Unauthenticated, Denied) as error:
            if (answer := _page_for_strangers(request, error)) is not None:
                return answer
            raise

    async def let_in_a_sent_question(self, request: Request) -> Response:
        """Answer a POST that only reads: as a question when it is short and no answer is kept for it."""
        if _is_quick(request):
            return await self.let_in_a_question(bounded(request, self.bodies, megabytes=self.most))
        return await self.let_in(request)

    def _admit(self, request: Request) -> Actor:
        """Find out who calls, count the call, and look whether they may."""
        limiter = limiter_of(request)
        try:
            actor = actor_of(request)
        except (Unauthenticated, Denied):
            limiter.count(request, None)
            raise
        except CanonryError:  # it cannot be said who calls: that is not the caller's fault
            limiter.excuse(request)
            raise
        limiter.count(request, actor)
        self._require(request, actor)
        return actor

    def _admit_again(self, request: Request) -> None:
        """Look whether who opened a stream still may: a credential can be revoked, and a role taken away, while it is open."""
        now = Request({name: value for name, value in request.scope.items() if name != "actor"})
        self._require(now, actor_of(now))

    def _require(self, request: Request, actor: Actor) -> None:
        if self.in_organization:
            org_actor_of(request)
        if self.permission is not None:
            require(actor, self.permission)

    def _admit_question(self, request: Request) -> None:
        actor = self._admit(request)
        if came_by_cookie(request):
            require_csrf_header(request, services_of(request).vault, actor.credential_id)


def _is_quick(request: Request) -> bool:
    """Say whether what is sent can be asked as a question. A form cannot: the token of its session may be one of its fields."""
    headers = request.headers
    return HEADER not in headers and headers.get("content-type", "").startswith("application/json") and is_short(request)


def _watched(response: Response, admit: Callable[[], None]) -> Response:
    if isinstance(response, StreamingResponse) and response.media_type == EVENTS:
        response.body_iterator = while_admitted(cast("AsyncIterator[str]", response.body_iterator), admit)
    return response


def _count(request: Request) -> None:
    limiter = limiter_of(request)
    limiter.count(request, caller_of(request) if limiter.asks_who(request) else None)


def _page_for_strangers(request: Request, error: Unauthenticated | Denied) -> Response | None:
    """Return where a person is sent who opens a page that is not for them; None when the error is the answer."""
    if not is_page(request) or "authorization" in request.headers:
        return None
    if isinstance(error, Unauthenticated):
        return to_sign_in(request)
    return to_sign_in(request, organization=str(request.path_params["org"])) if error.code == "not_your_organization" else None


def origin_of(request: Request, actor: Actor | None = None) -> Origin:
    """Return what the events of this request say about where they come from."""
    address = request.client.host if request.client else ""
    request_id = str(request.scope.get("request_id", ""))
    if actor is None:
        return Origin(address=address, request_id=request_id)
    return Origin(actor.user_id, f"{actor.credential} {actor.credential_id}".strip(), address, request_id)
