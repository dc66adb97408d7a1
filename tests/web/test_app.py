"""The application: what is served where, and that every address of /v1 has its older twin."""

from typing import Any

import pytest

from canonry.wiring.routes import API
from tests.support.api import SITE, Api


def addresses(api: Api) -> dict[str, set[str]]:
    document = api.ask("GET", "/openapi.json", token=None).json
    return {path: set(methods) for path, methods in document["paths"].items()}


def without(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in names}


@pytest.mark.contract("Canon", "GET /healthz")
@pytest.mark.contract("Canon", "GET /readyz")
def test_healthz_says_ok_and_readyz_asks_the_database(api: Api) -> None:
    for path in ("/healthz", "/readyz"):
        answer = api.ask("GET", path, token=None)
        assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_whoever_opens_the_bare_address_is_told_what_runs_there(api: Api) -> None:
    answer = api.ask("GET", "/", token=None)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_the_description_lists_every_operation_once_under_v1(api: Api) -> None:
    document = api.ask("GET", "/openapi.json", token=None).json
    assert document["openapi"].startswith("3.1")
    served = {(f"/v1{getattr(route, 'path_format', '')}", method.lower()) for router in API for route in router.routes
              for method in getattr(route, "methods", ()) if getattr(route, "include_in_schema", True)}  # fmt: skip
    described = {(path, method) for path, methods in document["paths"].items() for method in methods if path.startswith("/v1/")}
    assert described == served
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["x-canonry-permission"] and operation["tags"] and operation["description"] for operation in operations)


@pytest.mark.parametrize("path", ["/me", "/projects", "/projects/shop", "/projects/shop/deployments", "/projects/shop/instances",
                                  "/projects/shop/logs", "/projects/nobody", "/deployments/nothing", "/projects?limit=0"])  # fmt: skip
def test_without_the_version_the_same_is_answered(api: Api, path: str) -> None:
    api.deploy(api.project("shop"), SITE)
    new, old = api.ask("GET", f"/v1{path}"), api.ask("GET", path)
    assert new.status == old.status
    assert without(new.json, "request_id") == without(old.json, "request_id")
    assert old.headers["x-request-id"]


def test_without_the_version_the_same_is_done(api: Api) -> None:
    made = api.ask("POST", "/projects", {"name": "Old client", "slug": "old"})
    assert (made.status, made.json["project"]["slug"]) == (201, "old")
    assert api.ask("PATCH", "/projects/old", {"build_command": "make"}).json["build_command"] == "make"
    assert api.ask("POST", "/projects/old/scale", {"instances": 2}).json["instances"] == 2
    assert api.ask("POST", "/projects/old/deploy").error == (409, "no_source")
    assert api.ask("POST", "/projects", {"name": "x", "slug": "A"}).error == (400, "validation_failed")
    assert api.ask("DELETE", "/projects/old").status == 204
    assert api.ask("GET", "/v1/projects/old").status == 404


def test_pages_that_would_load_scripts_from_elsewhere_are_not_served(api: Api) -> None:
    for path in ("/redoc", "/v1/docs", "/reference/redoc.standalone.js", "/reference/..%2Fcore.py", "/reference/%2Fetc%2Fpasswd"):
        assert api.ask("GET", path, token=None).error == (404, "not_found")
    assert addresses(api)
