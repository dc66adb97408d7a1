"""Routes that say who may call them. A route without a declared permission does not start."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, cast

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.responses import StreamingResponse

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import CanonryError, Denied, Unauthenticated
from canonry.core.origin import Origin, current_origin
from canonry.http.bodies import Bodies, bounded
from canonry.http.conduct import ADMIT, Endpoint, admits_itself, conducted
from canonry.http.csrf import require_csrf
from canonry.http.deps import actor_of, came_by_cookie, org_actor_of, services_of
from canonry.http.errors import ENVELOPE
from canonry.http.idempotency import once
from canonry.http.organizations import is_page, to_sign_in
from canonry.http.ratelimit import caller_of, limiter_of
from canonry.http.stream import EVENTS, while_admitted

PUBLIC = "public"
SIGNED_IN = "signed-in"
"""Whoever is known, whatever they may do: for what concerns only themselves."""
_KEY = "x-canonry-permission"
_ANY_ORGANIZATION = "x-canonry-any-organization"
_BODY = "x-canonry-body-mib"
_REPEATABLE = "x-canonry-repeatable"

type Access = Permission | str

_MEANING = {
    400: "The request is not valid; `issues` names each fault.", 401: "There is no credential, or it is not valid.",
    402: "The plan allows no more.", 403: "The credential may not do that.", 404: "There is no such object for this caller.",
    409: "The state of things does not allow it.", 413: "The body is too large.", 415: "The body is of a kind that is not understood.",
    422: "The body is well-formed and means nothing here.", 429: "Too many requests; `Retry-After` says when to come again.",
    501: "This version cannot do that yet.", 502: "A service outside answered wrongly.", 503: "A service outside does not answer.",
}  # fmt: skip


_STREAM = {
    "description": "Server-sent events.",
    "content": {EVENTS: {"schema": {}, "example": "event: line\ndata: {}\n\n"}},
}


class Routes(APIRouter):
    """A router whose every route names a permission, or `PUBLIC` when anybody may call it.

    bodies: how large a request's body may be.
    """

    def __init__(self, *, bodies: Bodies = Bodies.SMALL, **options: Any) -> None:  # noqa: ANN401 -- FastAPI's own options
        super().__init__(route_class=_CLASSES[bodies], **options)

    def operation(
        self,
        method: str,
        path: str,
        access: Access,
        *,
        errors: Sequence[int] = (),
        any_organization: bool = False,
        body_limit: int | None = None,
        repeatable: bool = False,
        **options: Any,  # noqa: ANN401 -- FastAPI's own options
    ) -> Callable[[Endpoint], Endpoint]:
        """Return the decorator that adds a route; the gate runs before everything else of it.

        errors: the statuses, besides those that every route has (400, 401, 403, 404 with an object in the path, 429), it may answer with.
        any_organization: below `/app/{org}`, let in who acts in another organization as well; elsewhere it means nothing.
        body_limit: MiB its body may have, where that differs from the router's `bodies`.
        repeatable: carrying the same request out again leads to the same state, also when the first was cut off in the middle.
        """
        declared = access if access in {PUBLIC, SIGNED_IN} else str(Permission(access))
        extra = {**options.pop("openapi_extra", {}), _KEY: declared} | ({_ANY_ORGANIZATION: True} if any_organization else {})
        extra |= {} if body_limit is None else {_BODY: body_limit}
        extra |= {_REPEATABLE: True} if repeatable else {}
        kind = getattr(options.get("response_class"), "media_type", None) or "application/json"
        responses = {**_described(path, declared, errors, kind), **options.pop("responses", {})}
        if options.get("response_class") is StreamingResponse:
            responses.setdefault(200, _STREAM)
        as_usual = any(name.startswith("response_model_") for name in options)  # then the framework writes the model

        def declare(endpoint: Endpoint) -> Endpoint:
            options.setdefault("operation_id", endpoint.__name__)
            add = self.api_route(path, methods=[method], openapi_extra=extra, responses=responses, **options)
            reads = method == "GET" and access != PUBLIC
            add(endpoint if as_usual else conducted(endpoint, options.get("status_code") or 200, reads=reads))
            return endpoint

        return declare


def require_declared_permissions(app: FastAPI) -> None:
    """Refuse to start with a route that declares no permission. Raises: RuntimeError naming it.

    Only the description of the API is let through; whatever else is no operation (a mount, a WebSocket) is refused as well.
    """
    for found in iter_route_contexts(app.routes):
        route = found.original_route
        declared = isinstance(route, APIRoute) and _KEY in (route.openapi_extra or {})
        if not declared and found.path != app.openapi_url:
            message = f"{found.methods or type(route).__name__} {found.path} declares no permission: add it with Routes.operation()"
            raise RuntimeError(message)


class _Guarded(APIRoute):
    """A route that asks who is calling before it reads a body: a dependency would come after it, and let anybody fill memory and disk."""

    bodies = Bodies.SMALL

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        extra = self.openapi_extra or {}
        declared, most = extra.get(_KEY), extra.get(_BODY)
        if declared in {None, PUBLIC}:  # what declares nothing is refused at the start

            async def open_to_all(request: Request) -> Response:
                if not limiter_of(request).is_free(request):
                    await run_in_threadpool(_count, request)
                current_origin.set(origin_of(request))
                return await handle(bounded(request, self.bodies, megabytes=most))

            return open_to_all
        permission = None if declared == SIGNED_IN else Permission(declared)
        streams, repeatable = self.response_class is StreamingResponse, bool(extra.get(_REPEATABLE))
        in_organization = self.path.startswith("/app/{org}") and not extra.get(_ANY_ORGANIZATION)

        async def asked(request: Request) -> Response:
            admit = partial(_admit, request, permission, in_organization=in_organization)
            request.scope[ADMIT] = admit
            try:
                try:
                    return await handle(request)
                except RequestValidationError:
                    await run_in_threadpool(admit)  # whoever may not ask is told that, and not what is wrong with the question
                    raise
            except (Unauthenticated, Denied) as error:
                if (answer := _page_for_strangers(request, error)) is not None:
                    return answer
                raise

        async def guarded(request: Request) -> Response:
            try:
                actor = await run_in_threadpool(_admit, request, permission, in_organization=in_organization)
            except (Unauthenticated, Denied) as error:
                if (answer := _page_for_strangers(request, error)) is not None:
                    return answer
                raise
            current_origin.set(origin_of(request, actor))
            request = bounded(request, self.bodies, megabytes=most)
            if came_by_cookie(request):
                await require_csrf(request, services_of(request).vault, actor.credential_id)
            response = await once(request, actor, handle, streams=streams, archive=self.bodies is Bodies.ARCHIVE, repeatable=repeatable)
            return _watched(response, partial(_admit_again, request, permission, in_organization=in_organization))

        return asked if admits_itself(self.endpoint) else guarded


class _GuardedArchive(_Guarded):
    bodies = Bodies.ARCHIVE


class _GuardedRaw(_Guarded):
    bodies = Bodies.RAW


_CLASSES = {Bodies.SMALL: _Guarded, Bodies.ARCHIVE: _GuardedArchive, Bodies.RAW: _GuardedRaw}


def _count(request: Request) -> None:
    limiter = limiter_of(request)
    limiter.count(request, caller_of(request) if limiter.asks_who(request) else None)


def _admit(request: Request, permission: Permission | None, *, in_organization: bool) -> Actor:
    """Find out who calls, count the call, and look whether they may. permission: None when it is enough to be known."""
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
    if in_organization:
        org_actor_of(request)
    if permission is not None:
        require(actor, permission)
    return actor


def _watched(response: Response, admit: Callable[[], None]) -> Response:
    if isinstance(response, StreamingResponse) and response.media_type == EVENTS:
        response.body_iterator = while_admitted(cast("AsyncIterator[str]", response.body_iterator), admit)
    return response


def _admit_again(request: Request, permission: Permission | None, *, in_organization: bool) -> None:
    """Look whether who opened a stream still may: a credential can be revoked, and a role taken away, while it is open."""
    now = Request({name: value for name, value in request.scope.items() if name != "actor"})
    actor = actor_of(now)
    if in_organization:
        org_actor_of(now)
    if permission is not None:
        require(actor, permission)


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


def _described(path: str, declared: str, errors: Sequence[int], kind: str) -> Mapping[int | str, dict[str, Any]]:
    """Describe the errors of a route. By the envelope's name (`ENVELOPE`): with the model itself the framework would prepare it for each.

    kind: the media type of what the route answers.
    """
    every = {400, 429} | (set() if declared == PUBLIC else {401, 403}) | ({404} if "{" in path else set())
    content = {kind: {"schema": {"$ref": ENVELOPE}}}
    return {status: {"description": _MEANING[status], "content": content} for status in sorted(every | set(errors))}
