"""Every operation that is described, asked with what fits it and with what does not: no fault of ours, no answer that is not described.

schemathesis makes the requests from the document; half of them name objects that are there.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import requests
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from requests.adapters import HTTPAdapter
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from canonry.core.access import Scope
from canonry.wiring.routes import API, ROOT
from tests.support.api import SITE, Api


def no_fault_of_ours(context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> bool | None:
    """Refuse every 5xx but the one that says that a git server elsewhere, whose name the request made up, is not reached."""
    if response.status_code == 503 and response.json()["error"] == "repository_unreachable":
        return None
    return not_a_server_error(context, response, case)


CHECKS = [no_fault_of_ours, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS = "/v1/projects/{project}/logs/stream"  # of a project that is there: tests/features/observe reads it
FOLLOWED = "/v1/projects/{project}/deploy/stream"  # ends with the deployment
_EXAMPLES = 6
_NO_HTTP = "Invalid HTTP request received."  # what uvicorn says before any of us is asked: an address of 100 kB, a header with a line end


class _Connection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


class _Pool(HTTPConnectionPool):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def _new_conn(self) -> _Connection:
        return _Connection(self._path)


class _OverSocket(HTTPAdapter):
    """Sends what requests sends to the unix socket that the API listens on."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._pool = _Pool(path)

    def get_connection_with_tls_context(self, *_: object, **__: object) -> HTTPConnectionPool:  # type: ignore[override]
        return self._pool

    def close(self) -> None:
        self._pool.close()


@pytest.fixture(scope="module")
def document(common_api: Api) -> dict[str, Any]:
    parsed: dict[str, Any] = common_api.ask("GET", "/openapi.json", token=None).json
    return parsed


@pytest.fixture(scope="module")
def schema(document: dict[str, Any]) -> Any:  # noqa: ANN401 -- schemathesis's own
    return schemathesis.openapi.from_dict(document)


@pytest.fixture
def session(api: Api) -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.mount("http://", _OverSocket(str(api.socket)))
        yield opened


@contextmanager
def working(api: Api, slug: str) -> Iterator[None]:
    """Carry out, meanwhile, what deployments of that project wait. Only around a request: Hypothesis wants nothing random beside it."""
    project_id, enough = api.get(f"/v1/projects/{slug}")["id"], threading.Event()

    def work() -> None:
        while not enough.wait(0.05):
            api.work_for(project_id)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        enough.set()
        worker.join()


def described() -> list[tuple[str, str]]:
    """Give every operation that the document has, as the routers declare it."""
    return sorted(
        (method, f"/v1{route.path_format}" if router in API else route.path_format)
        for router in (*API, *ROOT) for route in router.routes if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods
    )  # fmt: skip


@pytest.mark.parametrize(("method", "path"), described())
@pytest.mark.criterion("api#no-other-status")
def test_it_answers_as_described(
    api: Api, session: requests.Session, document: dict[str, Any], schema: Any, method: str, path: str,  # noqa: ANN401
) -> None:  # fmt: skip
    slug = api.project("shop")
    there = {"project": slug, "deployment": api.deploy(slug, SITE)["id"], "org": api.owner.handle, "hostname": "www.example.com"}
    credential = {"Authorization": f"Bearer {api.owner.tokens[Scope.ADMIN]}"}
    turn = iter(range(10_000))

    def ask(case: schemathesis.Case) -> None:
        if path != ENDLESS and next(turn) % 2 == 0:
            case.path_parameters = {name: there.get(name, value) for name, value in (case.path_parameters or {}).items()}
        with working(api, slug) if path == FOLLOWED else nullcontext():
            response = case.call(base_url="http://localhost", session=session, headers=credential)
        if response.text != _NO_HTTP:
            case.validate_response(response, checks=CHECKS)

    operation = schema[path][method]
    rough = settings(
        max_examples=_EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    rough(given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))(ask))()
    described = document["paths"][path][method.lower()]
    if described.get("parameters") or described.get("requestBody"):  # else nothing can be wrong
        rough(given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))(ask))()
