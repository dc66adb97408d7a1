"""The ASGI application: routers, middleware, errors, health."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import iter_route_contexts

from canonry.adapters.edge.pages import PlainPage
from canonry.core.errors import Unavailable
from canonry.http.application import Application
from canonry.http.deps import Services
from canonry.http.reference import router as reference
from canonry.http.routing import PUBLIC, Routes, require_declared_permissions
from canonry.wiring.alarms import alarms
from canonry.wiring.routes import API, ROOT

_FRONT = PlainPage(200, "canonry", "Canonry runs here", "Projects answer at addresses of their own: canonry projects ls lists them.",
                   "Sign in at /auth/login. The API is described at /reference, for programs at /openapi.json.")  # fmt: skip


def create_app(container: Services) -> FastAPI:
    """Return the application over a container that is open. Raises: RuntimeError when a route declares no permission."""
    app = Application(
        container, _aliases(), title="Canonry API", version="1.0.0", docs_url=None, redoc_url=None, openapi_url="/openapi.json"
    )
    for router in API:
        app.include_router(router, prefix="/v1")
    app.include_router(_health(container))
    app.include_router(reference)
    for router in ROOT:
        app.include_router(router)
    require_declared_permissions(app)
    return app


def _aliases() -> frozenset[str]:
    """Return how the paths of the API begin: by one part, or by two where something else begins with the same one."""
    others = {_beginning(path, 1) for path in _paths(ROOT)}
    beginnings = {_beginning(path, 2 if _beginning(path, 1) in others else 1) for path in _paths(API)}
    return frozenset(beginnings - {_beginning(path, 2) for path in _paths(ROOT)})


def _beginning(path: str, parts: int) -> str:
    return "/".join(path.split("/")[1 : parts + 1])


def _paths(routers: Iterable[Routes]) -> Iterator[str]:
    for router in routers:
        for route in iter_route_contexts(router.routes):
            if route.path:
                yield route.path


def _health(container: Services) -> Routes:
    router = Routes(tags=["Health"])

    @router.operation("GET", "/healthz", PUBLIC)
    async def healthz() -> dict[str, str]:
        """Say that the process answers, whatever the database does."""
        return {"status": "ok"}

    @router.operation("GET", "/", PUBLIC, include_in_schema=False, response_class=HTMLResponse)
    async def front() -> str:
        """Tell whoever opens the bare address what answers there."""
        return _FRONT.as_html()

    @router.operation(
        "GET", "/readyz", PUBLIC, responses={503: {"description": "The database does not answer, or (deep) there is an alarm."}}
    )
    def readyz(response: Response, deep: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 -- a query
        """Say whether requests can be served: 200 when the database answers, 503 when not.

        deep=1 answers 503 as well while there are alarms, like a disk that fills, and names them; `canonry doctor` says more.
        """
        try:
            with container.transactions.begin() as tx:
                tx.connection.execute("SELECT 1")
        except Unavailable as error:
            response.status_code = 503
            return {"status": "error", "detail": error.message}
        if deep and (found := alarms(container)):
            response.status_code = 503
            return {"status": "alarm", "alarms": sorted({alarm.name for alarm in found})}
        return {"status": "ok"}

    return router
