"""Routes that say who may call them. A route without a declared permission does not start."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute, iter_route_contexts

from canonry.core.access import Actor, Permission, require
from canonry.core.origin import Origin, current_origin
from canonry.http.bodies import bounded
from canonry.http.deps import actor_of
from canonry.http.errors import ErrorEnvelope

PUBLIC = "public"
_KEY = "x-canonry-permission"

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
        **options: Any,  # noqa: ANN401 -- FastAPI's own options
    ) -> Callable[[Any], Any]:
        """Return the decorator that adds a route; the gate runs before everything else of it.

        errors: the statuses, besides those that every route has (400, 401, 403, 404 with an object in the path, 429), it may answer with.
        """
        declared = access if access == PUBLIC else str(Permission(access))
        extra = {**options.pop("openapi_extra", {}), _KEY: declared}
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
        declared = (self.openapi_extra or {}).get(_KEY)
        if declared in {None, PUBLIC}:  # what declares nothing is refused at the start
            return handle
        permission = Permission(declared)

        async def guarded(request: Request) -> Response:
            actor = await run_in_threadpool(_check, request, permission)
            current_origin.set(_origin(request, actor))
            return await handle(bounded(request, archive=self.takes_archives))

        return guarded


class _GuardedArchive(_Guarded):
    takes_archives = True


def _check(request: Request, permission: Permission) -> Actor:
    actor = actor_of(request)
    require(actor, permission)
    return actor


def _origin(request: Request, actor: Actor) -> Origin:
    address = request.client.host if request.client else ""
    return Origin(actor.user_id, f"{actor.credential} {actor.credential_id}".strip(), address, str(request.scope.get("request_id", "")))


def _described(path: str, declared: str, errors: Sequence[int]) -> Mapping[int | str, dict[str, Any]]:
    every = {400, 429} | (set() if declared == PUBLIC else {401, 403}) | ({404} if "{" in path else set())
    return {status: {"model": ErrorEnvelope, "description": _MEANING[status]} for status in sorted(every | set(errors))}
