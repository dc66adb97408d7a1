"""One envelope for every error, whatever goes wrong; and nothing that a client sends is a fault of ours."""

import contextlib
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from canonry.adapters.edge.memory import MemoryEdge
from canonry.core.access import Scope
from canonry.infra.postgres import Postgres
from canonry.wiring.container import Container
from tests.support.api import FORM, SITE, Answer, Api, archive, form, serving
from tests.support.waiting import until

JSON = {"Content-Type": "application/json"}


@pytest.mark.contract("Canner", "error envelope and request id")
@pytest.mark.criterion("api#one-envelope")
def test_every_kind_of_error_has_the_envelope_and_the_id_of_its_header(api: Api) -> None:
    slug = api.project()
    asked = {
        (400, "validation_failed"): api.ask("POST", "/v1/projects", {}),
        (400, "invalid_cursor"): api.ask("GET", "/v1/projects?cursor=x"),
        (401, "unauthenticated"): api.ask("GET", "/v1/me", token=None),
        (401, "invalid_token"): api.ask("GET", "/v1/me", token="cnr_x"),
        (403, "insufficient_scope"): api.ask("DELETE", f"/v1/projects/{slug}", token=api.owner.tokens[Scope.READ]),
        (404, "project_not_found"): api.ask("GET", "/v1/projects/nobody"),
        (404, "not_found"): api.ask("GET", "/v1/nothing/here"),
        (405, "method_not_allowed"): api.ask("PUT", "/v1/me", {}),
        (409, "slug_taken"): api.ask("POST", "/v1/projects", {"name": "other", "slug": slug}),
        (413, "body_too_large"): api.ask("POST", "/v1/projects", {"name": "x" * (2 << 20)}),
    }
    assert [answer.error for answer in asked.values()] == list(asked)
    assert len({answer.json["request_id"] for answer in asked.values()}) == len(asked)
    assert asked[400, "validation_failed"].json["issues"] == [{"path": "body.name", "message": "Field required", "code": "missing"}]
    assert asked[404, "not_found"].json["message"] == "There is nothing at /v1/nothing/here."
    assert "GET" in asked[405, "method_not_allowed"].headers["allow"]
    assert asked[401, "unauthenticated"].headers["www-authenticate"] == "Bearer"


@pytest.mark.criterion("api#names-each-fault")
def test_each_fault_is_named_with_its_place_and_reason_and_there_is_a_hint(api: Api) -> None:
    answer = api.ask("POST", "/v1/projects", {"name": 5, "unknown": 1})
    assert answer.error == (400, "validation_failed")
    assert {issue["path"]: issue["message"] for issue in answer.json["issues"]} == {
        "body.name": "Input should be a valid string", "body.unknown": "Extra inputs are not permitted",
    }  # fmt: skip
    assert answer.json["hint"] == "Correct what is named and send it again; /reference shows every field."


def test_a_body_that_does_not_say_how_large_it_is_is_counted(api: Api) -> None:
    slug = api.project()
    upload = form(b"\x1f\x8b" + b"x" * (4 << 20))
    for path, headers, body in (("/v1/projects", JSON, b"x" * (3 << 20)), (f"/v1/projects/{slug}/upload", FORM, upload)):
        pieces = (body[start : start + 65536] for start in range(0, len(body), 65536))
        with api.connection() as connection:
            token = f"Bearer {api.owner.tokens[Scope.ADMIN]}"
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may be told so while it still sends
                connection.request("POST", path, body=pieces, headers={**headers, "Authorization": token})
            response = connection.getresponse()
            answer = Answer(response.status, response.read(), {name.lower(): value for name, value in response.getheaders()})
        assert answer.error == (413, "too_large")
    assert list(api.container.home.uploads.iterdir()) == []


def test_answers_that_are_no_error_have_a_request_id_too(api: Api) -> None:
    ids = [api.ask("GET", path).headers["x-request-id"] for path in ("/v1/me", "/healthz", "/readyz", "/openapi.json")]
    assert len(set(ids)) == 4
    assert all(re.fullmatch("req_[0-9a-f]{12}", name) for name in ids)


class BrokenEdge(MemoryEdge):
    """An edge with a bug."""

    def remove(self, host: str) -> None:
        """Fail."""
        message = f"the secret of {host}"
        raise ZeroDivisionError(message)


def test_a_bug_is_a_500_in_the_envelope_and_in_the_log_with_its_traceback(container: Container, caplog: pytest.LogCaptureFixture) -> None:
    with serving(container, edge=BrokenEdge()) as api:
        slug = api.project()
        api.deploy(slug, SITE)
        with caplog.at_level(logging.ERROR):
            answer = api.ask("DELETE", f"/v1/projects/{slug}")
    assert answer.error == (500, "internal_error")
    assert b"secret" not in answer.body
    record = next(record for record in caplog.records if record.name == "canonry.http.errors")
    assert record.exc_info is not None
    assert f"DELETE /v1/projects/{slug} failed" in record.getMessage()


@contextmanager
def database_away(server: Postgres, container: Container) -> Iterator[None]:
    """Take the database away from its pool, and give it back."""
    database = sql.Identifier(container.database.url.reveal().rpartition("?")[0].rpartition("/")[2])
    with psycopg.connect(server.database_url("postgres").reveal(), autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(database))
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'canonry' AND datname = %s",
                      [database.as_string().strip('"')])  # fmt: skip
        try:
            yield
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(database))


@pytest.mark.contract("Canon", "GET /healthz")
@pytest.mark.contract("Canon", "GET /readyz")
def test_without_its_database_it_answers_503_in_the_envelope_and_recovers_by_itself(
    container: Container, postgres_server: Postgres
) -> None:
    with serving(container) as api:
        assert api.ask("GET", "/v1/me").status == 200
        container.database.be_patient(0.5)  # a request waits for the database up to ten seconds, which is longer than a test should
        with database_away(postgres_server, container):
            assert api.ask("GET", "/v1/me").error == (503, "database_unavailable")
            alive = api.ask("GET", "/healthz")
            assert (alive.status, alive.json) == (200, {"status": "ok"})
            ready = api.ask("GET", "/readyz")
            assert (ready.status, ready.json["status"]) == (503, "error")
            assert set(ready.json) == {"status", "detail"}
            assert b"password" not in ready.body
        until(lambda: api.ask("GET", "/v1/me").status == 200)
        until(lambda: api.ask("GET", "/readyz").status == 200)  # those that write have connections of their own, which come back later


HOSTILE = [
    "\0",
    "a\0b",
    "\ud800",
    "💥",
    "'; DROP TABLE projects; --",
    "../../etc/passwd",
    "%s%n",
    "-rf",
    "\r\nX-Injected: 1",
    " ",
    "a" * 5000,
]
QUERIES = ["limit", "cursor", "after", "since"]
PATHS = ["/v1/projects", "/v1/projects/shop", "/v1/projects/shop/deployments", "/v1/projects/shop/logs", "/v1/projects/shop/instances"]


class TestNothingThatAClientSendsIsAFaultOfOurs:
    """Every answer is one of the 2xx or 4xx, and an error has the envelope."""

    @pytest.mark.parametrize("text", HOSTILE, ids=ascii)
    def test_hostile_text_in_paths_and_queries(self, api: Api, text: str) -> None:
        api.project("shop")
        escaped = quote(text.encode(errors="surrogatepass"), safe="")
        for path in PATHS:
            for name in QUERIES:
                expect_no_fault(api.ask("GET", f"{path}?{name}={escaped}"))
        for path in ("/v1/projects/{}", "/v1/deployments/{}", "/v1/deployments/{}/logs", "/v1/projects/{}/logs", "/{}", "/v1/{}"):
            expect_no_fault(api.ask("GET", path.format(escaped)))
        for path in (
            "/git/{}/x.git/info/refs?service=git-upload-pack",
            "/git/ada/{}/info/refs?service=git-upload-pack",
            "/git/ada/shop/{}",
        ):
            assert api.ask("GET", path.format(escaped)).status in range(400, 500)  # git shows its user plain text

    @pytest.mark.parametrize("text", HOSTILE, ids=ascii)
    def test_hostile_text_in_bodies(self, api: Api, text: str) -> None:
        api.project("shop")
        expect_no_fault(api.ask("POST", "/v1/projects", {"name": text, "repo_url": text}))
        expect_no_fault(api.ask("POST", "/v1/projects", {"name": text}))
        for name in ("name", "repo_url", "repo_branch", "build_command", "root_dir", "health_path", "python_version"):
            expect_no_fault(api.ask("PATCH", "/v1/projects/shop", {name: text}))
        for body in ({"ref": text}, {"repo_url": text}, {text: text}):
            expect_no_fault(api.ask("POST", "/v1/projects/shop/deploy", body))
            expect_no_fault(api.ask("POST", "/v1/deploy/plan", body))
        for body in ({"process": text}, {"size": text}, {"instances": text}):
            expect_no_fault(api.ask("POST", "/v1/projects/shop/scale", body))

    @pytest.mark.parametrize("number", [-1, 0, 1 << 31, 1 << 63, 1 << 64, 10**400, 1.5, -0.0, True, None, [], {}])
    def test_numbers_of_any_size(self, api: Api, number: object) -> None:
        api.project("shop")
        for name in ("instances", "memory_mb", "cpu", "process", "size"):
            expect_no_fault(api.ask("POST", "/v1/projects/shop/scale", {name: number}))
        for name in QUERIES:
            for path in PATHS:
                expect_no_fault(api.ask("GET", f"{path}?{name}={quote(json.dumps(number))}"))

    @pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
    def test_numbers_that_are_none(self, api: Api, text: str) -> None:
        api.project("shop")
        for name in ("instances", "memory_mb", "cpu"):
            body = f'{{"{name}": {text}}}'.encode()
            expect_no_fault(api.ask("POST", "/v1/projects/shop/scale", raw=body, headers=JSON))

    @pytest.mark.parametrize(
        "body",
        [
            b"", b"{", b"\xff\xfe", b'"\xff"', b'{"name": "\xed\xa0\x80"}', b'{"name": "\\ud800"}', b"[" * 100_000, b'{"a":' * 50_000,
            b"null", b"1", b'{"name": "x", "name": "y"}', b'{"name"' + b" " * 100_000, b"\0" * 100,
        ],
        ids=lambda body: ascii(body[:20]),
    )  # fmt: skip
    @pytest.mark.parametrize("path", ["/v1/projects", "/v1/projects/shop/deploy", "/v1/projects/shop/scale", "/v1/deploy/plan"])
    def test_bodies_that_are_no_json(self, api: Api, path: str, body: bytes) -> None:
        api.project("shop")
        for kind in ({}, JSON, {"Content-Type": "text/plain"}, {"Content-Type": "\xff/x"}, {"Content-Type": "application/json; charset=x"}):
            expect_no_fault(api.ask("POST", path, raw=body, headers=kind))

    @pytest.mark.parametrize("path", ["/v1/projects/shop/upload", "/v1/deploy/plan"])
    def test_forms_that_are_none(self, api: Api, path: str) -> None:
        api.project("shop")
        file = archive(SITE)
        forms = [
            (form(), FORM), (form(file, name="other"), FORM), (form(file, file), FORM), (b"", FORM), (form(file)[:50], FORM),
            (form(file), {"Content-Type": "multipart/form-data"}), (form(file), {"Content-Type": "multipart/form-data; boundary=other"}),
            (form(file), {"Content-Type": "multipart/form-data; boundary=" + "x" * 500}), (form(file), JSON), (form(file), {}),
            (b"file=x", {"Content-Type": "application/x-www-form-urlencoded"}), (form(b""), FORM), (form(b"<html>"), FORM),
            (b"--" * 10_000, FORM), (b"\r\n" * 10_000, FORM),
            (form(file).replace(b"filename=", b"other="), FORM),
        ]  # fmt: skip
        for body, headers in forms:
            answer = api.ask("POST", path, raw=body, headers=headers)
            assert answer.status in {400, 413}, (body[:90], headers, answer.body)
            assert answer.error
        assert api.deployments("shop") == []
        assert list(api.container.home.builds.iterdir()) == []

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(path=st.text(max_size=30), method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD", "PUT"]))
    def test_any_path(self, api: Api, method: str, path: str) -> None:
        escaped = quote(path.encode(errors="surrogatepass"), safe="/?&=")
        expect_no_fault(api.ask(method, f"/v1/{escaped}"), has_body=method != "HEAD")

    @pytest.mark.parametrize("value", ["Bearer \xff", "Bearer cnr_\xe4", "\xff", "Bearer " + "x" * 8000, "Bearer cnr_" + "0" * 60_000])
    def test_any_authorization(self, api: Api, value: str) -> None:
        assert api.ask("GET", "/v1/me", token=None, headers={"Authorization": value}).status in {400, 401, 431}


def expect_no_fault(answer: Answer, *, has_body: bool = True) -> None:
    """Return when it is an answer to what was asked, or an error of whoever asked."""
    assert answer.status < 500, answer.body
    if answer.status >= 400 and has_body:
        assert answer.error
    assert "x-injected" not in answer.headers
