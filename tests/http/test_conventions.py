"""What holds for every answer: its id, the headers that browsers obey, HEAD and OPTIONS, other origins."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from canonry.wiring.container import Container
from tests.http.test_access import BODIES, OPERATIONS, Operation
from tests.support.api import SITE, Api, serving

ELSEWHERE = "https://app.example.com"


@pytest.mark.contract("Canner", "error envelope and request id")
def test_every_answer_has_its_id_and_an_error_repeats_it(api: Api) -> None:
    slug = api.project()
    asked = [
        api.ask("GET", "/v1/me"), api.ask("GET", "/v1/me", token=None), api.ask("GET", "/v1/nothing"), api.ask("PUT", "/v1/me"),
        api.ask("POST", "/v1/projects", {"name": ""}), api.ask("GET", "/"), api.ask("GET", f"/v1/projects/{slug}"),
        api.ask("GET", "/v1/projects?limit=0"), api.ask("POST", "/v1/projects", raw=b"{", headers={"Content-Type": "application/json"}),
    ]  # fmt: skip
    ids = [answer.headers["x-request-id"] for answer in asked]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("req_[0-9a-f]{12}", name) for name in ids)
    for answer in asked:
        if answer.status >= 400:
            assert answer.error  # checks the envelope, and that request_id is that of the header
        if answer.status == 400:
            assert all(set(issue) == {"path", "message", "code"} for issue in answer.json["issues"])
            assert answer.json["issues"]


def test_no_answer_is_taken_for_what_it_is_not(api: Api) -> None:
    for path in ("/v1/me", "/v1/nothing", "/", "/healthz", "/openapi.json"):
        headers = api.ask("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers
    assert "strict-transport-security" in api.ask("GET", "/v1/me", headers={"X-Forwarded-Proto": "https"}).headers


def test_head_is_get_without_the_body_and_ends_streams(api: Api) -> None:
    slug = api.app()
    for path in ("/v1/me", f"/v1/projects/{slug}", "/v1/nothing", "/healthz", f"/v1/projects/{slug}/logs/stream"):
        head = api.ask("HEAD", path)
        assert head.body == b""
        if "stream" not in path:
            get = api.ask("GET", path)
            assert (head.status, head.headers["content-type"]) == (get.status, get.headers["content-type"])
    assert api.ask("HEAD", f"/v1/projects/{slug}/stop").status == 405


def test_a_method_that_an_address_does_not_know_is_told_those_it_knows(api: Api) -> None:
    assert api.ask("PUT", "/v1/projects").error == (405, "method_not_allowed")
    assert api.ask("PUT", "/v1/projects").headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert api.ask("PUT", "/projects/shop").headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    options = api.ask("OPTIONS", "/v1/projects", token=None)
    assert (options.status, options.headers["allow"], options.body) == (204, "GET, HEAD, OPTIONS, POST", b"")
    assert api.ask("OPTIONS", "/v1/nothing").status == 404


def test_pages_of_other_origins_are_told_nothing(api: Api) -> None:
    preflight = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "GET"}
    assert not [name for name in api.ask("GET", "/v1/me", headers={"Origin": ELSEWHERE}).headers if name.startswith("access-control")]
    assert not [name for name in api.ask("OPTIONS", "/v1/me", token=None, headers=preflight).headers if name.startswith("access-control")]


@pytest.fixture
def open_to(container: Container) -> Iterator[Api]:
    """Give an API that the pages of one other origin may call."""
    with serving(replace(container, settings=replace(container.settings, allowed_origins=f" {ELSEWHERE},http://localhost:5173"))) as api:
        yield api


def test_pages_of_allowed_origins_may_call_with_cookies_and_read_our_headers(open_to: Api) -> None:
    answer = open_to.ask("GET", "/v1/me", headers={"Origin": ELSEWHERE})
    assert answer.headers["access-control-allow-origin"] == ELSEWHERE
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "X-RateLimit-Remaining" in answer.headers["access-control-expose-headers"]
    asked = {
        "Origin": ELSEWHERE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,idempotency-key",
    }
    assert open_to.ask("OPTIONS", "/v1/projects", token=None, headers=asked).status == 200
    for other in ("https://app.example.com.evil.test", "https://evil.test", "http://app.example.com", "null"):
        assert "access-control-allow-origin" not in open_to.ask("GET", "/v1/me", headers={"Origin": other}).headers


def test_where_all_origins_are_allowed_none_may_send_cookies(container: Container) -> None:
    with serving(replace(container, settings=replace(container.settings, allowed_origins="*"))) as api:
        answer = api.ask("GET", "/v1/me", headers={"Origin": ELSEWHERE, "Cookie": "a=b"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.contract("Canner", "unversioned aliases")
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
@pytest.mark.criterion("api#aliases")
def test_every_operation_answers_the_same_without_the_version(api: Api, operation: Operation) -> None:
    values = dict.fromkeys(re.findall(r"\{(\w+)\}", operation.path), "nobody")
    body = None if operation.method in {"GET", "DELETE"} else BODIES.get(operation.path, {})
    harmless = operation.method == "GET" or "{" in operation.path  # twice the same would be refused the second time
    for token in (None, "cnr_wrong", *([""] if harmless else [])):
        new, old = (api.ask(operation.method, f"{start}{operation.filled(**values)}", body, token=token) for start in ("/v1", ""))
        assert new.status == old.status != 405
        if new.status >= 400:
            assert new.error == old.error
            assert {**new.json, "request_id": ""} == {**old.json, "request_id": ""}


@pytest.mark.contract("Canner", "unversioned aliases")
def test_what_is_done_at_one_address_is_seen_at_the_other(api: Api) -> None:
    assert api.ask("POST", "/projects", {"name": "Old client", "slug": "old"}).status == 201
    deployment = api.deploy("old", SITE)["id"]
    for path in ("/projects", "/projects/old", "/projects/old/deployments", f"/deployments/{deployment}", f"/deployments/{deployment}/logs",
                 "/projects/old/instances", "/me"):  # fmt: skip
        assert api.get(path) == api.get(f"/v1{path}")
    assert api.ask("DELETE", "/projects/old").status == 204
    assert api.ask("GET", "/v1/projects/old").status == 404
