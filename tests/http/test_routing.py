"""The gate: a route without a declared permission does not start."""

import pytest
from fastapi import FastAPI

from canonry.core.access import Permission
from canonry.http.routing import PUBLIC, Routes, require_declared_permissions


def nothing() -> dict[str, str]:
    return {}


def app_without_docs(router: Routes) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None)
    app.include_router(router, prefix="/v1")
    return app


@pytest.mark.criterion("api#declared-permission")
def test_a_route_without_a_permission_does_not_start() -> None:
    router = Routes()
    router.get("/open")(nothing)
    with pytest.raises(RuntimeError, match="/v1/open declares no permission"):
        require_declared_permissions(app_without_docs(router))


def test_a_route_in_a_router_inside_a_router_does_not_start_either() -> None:
    inner, outer = Routes(), Routes()
    inner.get("/open")(nothing)
    outer.include_router(inner, prefix="/deep")
    with pytest.raises(RuntimeError, match="/v1/deep/open"):
        require_declared_permissions(app_without_docs(outer))


def test_what_is_no_operation_does_not_start() -> None:
    mounted, talking = FastAPI(docs_url=None, redoc_url=None), FastAPI(docs_url=None, redoc_url=None)
    mounted.mount("/files", FastAPI())
    talking.websocket("/talk")(lambda _socket: None)
    for app in (mounted, talking, FastAPI()):  # the last one shows pages of documentation that load scripts from elsewhere
        with pytest.raises(RuntimeError, match="declares no permission"):
            require_declared_permissions(app)


def test_declared_routes_and_the_description_of_the_api_start() -> None:
    router = Routes()
    router.operation("GET", "/me", Permission.PROJECTS_READ)(nothing)
    router.operation("GET", "/healthz", PUBLIC)(nothing)
    require_declared_permissions(app_without_docs(router))


def test_a_permission_nobody_knows_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match="projects:red"):
        Routes().operation("GET", "/me", "projects:red")
