"""Routes that say who may call them. A route without a declared permission does not start."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts

from canonry.core.access import Permission, require
from canonry.http.deps import actor_of

PUBLIC = "public"
_KEY = "x-canonry-permission"

type Access = Permission | str


class Routes(APIRouter):
    """A router whose every route names a permission, or `PUBLIC` when anybody may call it.

    takes_archives: bodies may be as large as an upload; elsewhere 1 MiB is the most.
    """

    def __init__(self, *, takes_archives: bool = False, **options: Any) -> None:  # noqa: ANN401 -- FastAPI's own options
        super().__init__(**options)
        self.takes_archives = takes_archives

    def operation(self, method: str, path: str, access: Access, **options: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- FastAPI's own options
        """Return the decorator that adds a route; the gate runs before everything else of it."""
        gate = [] if access == PUBLIC else [Depends(_gate(Permission(access)))]
        extra = {_KEY: str(access), **options.pop("openapi_extra", {})}
        return self.api_route(
            path, methods=[method], dependencies=[*gate, *options.pop("dependencies", [])], openapi_extra=extra, **options
        )


def require_declared_permissions(app: FastAPI) -> None:
    """Refuse to start with a route that declares no permission. Raises: RuntimeError naming it.

    Only the description of the API is let through; of whatever else is no operation (a mount, a WebSocket) nothing is known, so it is refused.
    """
    for found in iter_route_contexts(app.routes):
        route = found.original_route
        declared = isinstance(route, APIRoute) and _KEY in (route.openapi_extra or {})
        if not declared and found.path != app.openapi_url:
            message = f"{found.methods or type(route).__name__} {found.path} declares no permission: add it with Routes.operation()"
            raise RuntimeError(message)


def _gate(permission: Permission) -> Callable[[Request], None]:
    def check(request: Request) -> None:
        require(actor_of(request), permission)

    return check
