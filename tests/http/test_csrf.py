"""Requests that another site makes a browser send: refused, whatever cookie comes along."""

import http.client
import json
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from tests.support.api import Answer, Api
from tests.support.browser import Browser
from tests.support.signing_in import EMAIL, PASSWORD

BODY = {"name": "made"}
FORGED = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},  # a project on a sub-domain is the same site to a browser
    {"Origin": "https://evil.example.com"},
    {"Origin": "http://shop.localhost"},
    {"Origin": "null"},
    {"Origin": "http://["},
    {"Origin": ""},
]


@pytest.fixture
def session(people: Api) -> dict[str, str]:
    """Give the headers of somebody signed in."""
    browser = Browser(people.connection)
    body = json.dumps({"email": EMAIL, "password": PASSWORD}).encode()
    seen = browser.ask("POST", "/v1/auth/session", body=body, headers={"Content-Type": "application/json"})
    return {"Cookie": f"canonry_session={browser.cookies['canonry_session'][0]}", "X-CSRF-Token": json.loads(seen.text)["csrf_token"]}


def create(api: Api, headers: Mapping[str, str]) -> Answer:
    return api.ask("POST", "/v1/projects", BODY, token=None, headers=headers)


@pytest.mark.parametrize("forged", FORGED, ids=str)
def test_what_another_site_makes_a_browser_send_is_refused(people: Api, session: dict[str, str], forged: dict[str, str]) -> None:
    assert create(people, {**session, **forged}).error == (403, "cross_site")
    assert people.get("/v1/projects")["projects"] == []
    signing_in = people.ask("POST", "/v1/auth/session", {"email": EMAIL, "password": PASSWORD}, token=None, headers=forged)
    assert signing_in.error == (403, "cross_site")
    assert "set-cookie" not in signing_in.headers


@pytest.mark.parametrize(
    "own",
    [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost"}, {"Origin": "https://localhost"}],
    ids=str,
)
def test_what_our_own_page_sends_with_its_token_is_done(people: Api, session: dict[str, str], own: dict[str, str]) -> None:
    assert create(people, {**session, **own}).status == 201


@pytest.mark.parametrize("token", ["", "wrong", "é"])
@pytest.mark.criterion("identity#csrf")
def test_without_the_sessions_token_a_change_is_refused(people: Api, session: dict[str, str], token: str) -> None:
    assert create(people, {**session, "X-CSRF-Token": token.encode().decode("latin-1")}).error == (403, "csrf_failed")
    other = people.ask("POST", "/v1/auth/session", {"email": EMAIL, "password": PASSWORD}, token=None).json
    assert create(people, {**session, "X-CSRF-Token": other["csrf_token"]}).error == (403, "csrf_failed")
    assert create(people, session).status == 201


def test_reading_needs_no_token_and_a_bearer_never_needs_one(people: Api, session: dict[str, str]) -> None:
    cookie = {"Cookie": session["Cookie"]}
    for path in ("/v1/projects", "/projects", "/v1/auth/session"):
        assert people.ask("GET", path, token=None, headers={**cookie, "Sec-Fetch-Site": "cross-site"}).status == 200
    assert people.ask("POST", "/v1/projects", BODY, headers={**cookie, "Sec-Fetch-Site": "cross-site"}).status == 201


def test_a_form_carries_the_token_in_a_field(people: Api, session: dict[str, str]) -> None:
    token = session.pop("X-CSRF-Token")
    form = {**session, "Content-Type": "application/x-www-form-urlencoded"}
    path = "/auth/account/organization"
    for field, expected in (({}, 403), ({"csrf_token": "wrong"}, 403), ({"csrf_token": token}, 303)):
        raw = urlencode({"organization": "ada", **field}).encode()
        assert people.ask("POST", path, raw=raw, token=None, headers=form).status == expected


def test_a_form_without_end_is_not_read_to_its_end(people: Api, session: dict[str, str]) -> None:
    session.pop("X-CSRF-Token")
    headers = {**session, "Content-Type": "application/x-www-form-urlencoded", "Transfer-Encoding": "chunked"}
    with people.connection() as connection:
        pieces = (b"a" * 65536 for _ in range(64))
        try:
            connection.request("POST", "/auth/account/organization", body=pieces, headers=headers, encode_chunked=True)
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
        except (ConnectionError, http.client.HTTPException):
            return  # refused before it was sent
    assert (status, json.loads(body)["error"]) == (413, "too_large")


@pytest.mark.parametrize("text", ["## 1. A\n", "words " * 20_000], ids=["short", "long"])
def test_a_question_that_is_sent_needs_the_token_too(people: Api, session: dict[str, str], text: str) -> None:
    assert people.ask("POST", "/v1/repositories", {"name": "handbook"}).status == 201

    def ask(headers: Mapping[str, str], **options: bytes) -> Answer:
        body = None if options else {"content": text}
        return people.ask("POST", "/app/ada/editor/ada/handbook/preview", body, token=None, headers=headers, **options)

    cookie = {"Cookie": session["Cookie"]}
    assert ask(session).status == 200
    for forged in FORGED:
        assert ask({**session, **forged}).error == (403, "cross_site")
    for wrong in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "wrong"}):
        assert ask({**cookie, **wrong}).error == (403, "csrf_failed")
        assert ask({**cookie, **wrong, "Content-Type": "application/json"}, raw=b"{").error == (403, "csrf_failed")
        assert ask({**cookie, **wrong, "Content-Type": "application/x-www-form-urlencoded"}, raw=b"content=a").error == (403, "csrf_failed")
