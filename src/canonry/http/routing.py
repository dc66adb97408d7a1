"""Routes that say who may call them. A route without a declared permission does not start."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute, iter_route_contexts

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Denied, Unauthenticated
from canonry.core.origin import Origin, current_origin
from canonry.http.bodies import bounded
from canonry.http.csrf import require_csrf
from canonry.http.deps import actor_of, came_by_cookie, org_actor_of, services_of
from canonry.http.errors import ErrorEnvelope
from canonry.http.organizations import is_page, to_sign_in

PUBLIC = "public"
SIGNED_IN = "signed-in"
"""Whoever is known, whatever they may do: for what concerns only themselves."""
_KEY = "x-canonry-permission"
_ANY_ORGANIZATION = "x-canonry-any-organization"

type Access = Permission | str

_MEANING = {
    400: "The request is not valid; `issues` names each fault.", 401: "There is no credential, or it is not valid.",
    402: "The plan allows no more.", 403: "The credential may not do that.", 404: "There is no such object for this caller.",
    409: "The state of things does not allow it.", 413: "The body is too large.", 415: "The body is of a kind that is not understood.",
    422: "The body is well-formed and means nothing here.", 429: "Too many requests; `Retry-After` says when to come again.",
    502: "A service outside answered wrongly.", 503: "A service outside does not answer.",
}  # fmt: skip


class Routes(APIRouter):
    """A router whose every route names a permission, or `PUBLIC` when anybody may call it.

    takes_archives: bodies may be as large as an upload; elsewhere 1 MiB is the most.
    """

    def __init__(self, *, takes_archives: bool = False, **options: Any) -> None:  # noqa: ANN401 -- FastAPI's own options
        super().__init__(route_class=_GuardedArchive if takes_archives else _Guarded, **options)

    def operation(
        self,
        method: str,
        path: str,
        access: Access,
        *,
        errors: Sequence[int] = (),
        any_organization: bool = False,
        **options: Any,  # noqa: ANN401 -- FastAPI's own options
    ) -> Callable[[Any], Any]:
        """Return the decorator that adds a route; the gate runs before everything else of it.

        errors: the statuses, besides those that every route has (400, 401, 403, 404 with an object in the path, 429), it may answer with.
        any_organization: below `/app/{org}`, let in who acts in another organization as well; elsewhere it means nothing.
        """
        declared = access if access in {PUBLIC, SIGNED_IN} else str(Permission(access))
        extra = {**options.pop("openapi_extra", {}), _KEY: declared} | ({_ANY_ORGANIZATION: True} if any_organization else {})
        responses = {**_described(path, declared, errors), **options.pop("responses", {})}
        return self.api_route(path, methods=[method], openapi_extra=extra, responses=responses, **options)


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

    takes_archives = False

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        extra = self.openapi_extra or {}
        declared = extra.get(_KEY)
        if declared in {None, PUBLIC}:  # what declares nothing is refused at the start

            async def open_to_all(request: Request) -> Response:
                current_origin.set(_origin(request))
                return await handle(request)

            return open_to_all
        permission = None if declared == SIGNED_IN else Permission(declared)
        in_organization = self.path.startswith("/app/{org}") and not extra.get(_ANY_ORGANIZATION)

        async def guarded(request: Request) -> Response:
            try:
                actor = await run_in_threadpool(_check, request, permission, in_organization=in_organization)
            except (Unauthenticated, Denied) as error:
                if (answer := _page_for_strangers(request, error)) is not None:
                    return answer
                raise
            current_origin.set(_origin(request, actor))
            request = bounded(request, archive=self.takes_archives)
            if came_by_cookie(request):
                await require_csrf(request, services_of(request).vault, actor.credential_id)
            return await handle(request)

        return guarded


class _GuardedArchive(_Guarded):
    takes_archives = True


def _check(request: Request, permission: Permission | None, *, in_organization: bool) -> Actor:
    actor = org_actor_of(request) if in_organization else actor_of(request)
    if permission is not None:
        require(actor, permission)
    return actor


def _page_for_strangers(request: Request, error: Unauthenticated | Denied) -> Response | None:
    """Return where a person is sent who opens a page that is not for them; None when the error is the answer."""
    if not is_page(request) or "authorization" in request.headers:
        return None
    if isinstance(error, Unauthenticated):
        return to_sign_in(request)
    return to_sign_in(request, organization=str(request.path_params["org"])) if error.code == "not_your_organization" else None


def _origin(request: Request, actor: Actor | None = None) -> Origin:
    address = request.client.host if request.client else ""
    request_id = str(request.scope.get("request_id", ""))
    if actor is None:
        return Origin(address=address, request_id=request_id)
    return Origin(actor.user_id, f"{actor.credential} {actor.credential_id}".strip(), address, request_id)


def _described(path: str, declared: str, errors: Sequence[int]) -> Mapping[int | str, dict[str, Any]]:
    every = {400, 429} | (set() if declared == PUBLIC else {401, 403}) | ({404} if "{" in path else set())
    return {status: {"model": ErrorEnvelope, "description": _MEANING[status]} for status in sorted(every | set(errors))}
