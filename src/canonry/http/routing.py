"""Routes that say who may call them. A route without a declared permission does not start."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute, iter_route_contexts

from canonry.core.access import Permission, require
from canonry.http.bodies import bounded
from canonry.http.deps import actor_of

PUBLIC = "public"
_KEY = "x-canonry-permission"

type Access = Permission | str


class Routes(APIRouter):
    """A router whose every route names a permission, or `PUBLIC` when anybody may call it.

    takes_archives: bodies may be as large as an upload; elsewhere 1 MiB is the most.
    """

    def __init__(self, *, takes_archives: bool = False, **options: Any) -> None:  # noqa: ANN401 -- FastAPI's own options
        super().__init__(route_class=_GuardedArchive if takes_archives else _Guarded, **options)

    def operation(self, method: str, path: str, access: Access, **options: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- FastAPI's own options
        """Return the decorator that adds a route; the gate runs before everything else of it."""
        declared = access if access == PUBLIC else str(Permission(access))
        return self.api_route(path, methods=[method], openapi_extra={**options.pop("openapi_extra", {}), _KEY: declared}, **options)


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
            await run_in_threadpool(_check, request, permission)
            return await handle(bounded(request, archive=self.takes_archives))

        return guarded


class _GuardedArchive(_Guarded):
    takes_archives = True


def _check(request: Request, permission: Permission) -> None:
    require(actor_of(request), permission)
