"""The link to GitHub, against a GitHub that is a real server."""

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from canonry.core.secret import Secret
from canonry.features import auth
from canonry.wiring.container import Container
from tests.support.api import Api, serving
from tests.support.browser import Browser, Seen
from tests.support.github import CLIENT_ID, CLIENT_SECRET, TOKEN, FakeGitHub
from tests.support.signing_in import PASSWORD, give_password


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as running:
        yield running


@pytest.fixture
def served(container: Container, github: FakeGitHub) -> Iterator[Api]:
    settings = replace(
        container.settings, github_client_id=CLIENT_ID, github_client_secret=Secret(CLIENT_SECRET), github_url=github.url,
        github_api_url=github.url,
    )  # fmt: skip
    with serving(replace(container, settings=settings)) as api:
        give_password(api, api.owner.user_id)
        yield api


def signed_in(api: Api) -> Browser:
    browser = Browser(api.connection)
    form = browser.get("/auth/login").form("/auth/login")
    assert browser.submit(form, email=f"{api.owner.handle}@example.com", password=PASSWORD).status == 303
    return browser


@pytest.fixture
def grace(served: Api) -> Browser:
    return signed_in(served)


def start(browser: Browser, path: str = "/auth/github/login") -> str:
    seen = browser.get(path)
    assert seen.status == 302, seen.text
    return seen.headers["location"]


def back(browser: Browser, address: str) -> Seen:
    parts = urlsplit(address)
    return browser.get(f"{parts.path}?{parts.query}", headers={"Sec-Fetch-Site": "cross-site"})


def linked(api: Api) -> str | None:
    with api.container.transactions.begin() as tx:
        found = auth.git_identity(tx, api.owner.user_id)
    return found.login if found else None


@pytest.mark.contract("Canon", "GET /auth/github/login")
def test_it_redirects_with_a_fresh_state_and_drops_places_elsewhere(github: FakeGitHub, grace: Browser) -> None:
    places = [start(grace), start(grace, "/auth/github/login?redirect_to=/auth/account%3Fa=1")]
    assert all(place.startswith(f"{github.url}/login/oauth/authorize?") for place in places)
    states = [parse_qs(urlsplit(place).query)["state"][0] for place in places]
    assert len(set(states)) == 2
    assert back(grace, github.authorize(places[1])).headers["location"] == "/auth/account?a=1"
    for elsewhere in ("https://evil.example.com", "//evil.example.com", "/%5Cevil.example.com", "evil", "%09/x"):
        place = start(grace, f"/auth/github/login?redirect_to={elsewhere}")
        assert back(grace, github.authorize(place)).headers["location"] == "/auth/account"


@pytest.mark.contract("Canon", "GET /auth/github/callback")
def test_a_good_code_links_the_identity_and_its_token_is_sealed(served: Api, github: FakeGitHub, grace: Browser) -> None:
    assert back(grace, github.authorize(start(grace))).status == 302
    assert linked(served) == "grace"
    with served.container.transactions.begin() as tx:
        token = auth.git_token(tx, served.container.vault, served.owner.user_id)
        rows = str(tx.connection.execute("SELECT git_identities::text, encode(sealed_token, 'escape') FROM git_identities").fetchall())
        told = str(tx.connection.execute("SELECT events::text FROM events").fetchall())
    assert token == Secret(TOKEN)
    assert TOKEN not in rows + told
    session = json.loads(grace.get(f"/app/{served.owner.handle}/api/session").text)
    assert session["github_user"] == {"login": "grace", "name": "Grace Hopper"}
    assert "Linked to grace (Grace Hopper)" in grace.get("/auth/account").text


@pytest.mark.contract("Canon", "GET /auth/github/callback")
def test_a_wrong_state_lands_on_an_error_and_links_nothing(served: Api, github: FakeGitHub, grace: Browser) -> None:
    good = github.authorize(start(grace))
    state = parse_qs(urlsplit(good).query)["state"][0]
    mismatch = "/app?auth_error=state_mismatch"
    assert back(grace, good.replace(state, "x" * 43)).headers["location"] == mismatch
    assert back(grace, good.partition("&state")[0]).headers["location"] == mismatch
    assert back(signed_in(served), good).headers["location"] == mismatch  # the same person's other browser
    assert linked(served) is None
    _, page = grace.follow("/app?auth_error=state_mismatch")
    assert "was begun in another browser" in page.text
    assert back(grace, good).headers["location"] == "/auth/account"
    assert back(grace, good).headers["location"] == mismatch  # used up


def test_a_way_that_somebody_else_began_links_nothing(served: Api, github: FakeGitHub, grace: Browser) -> None:
    good = github.authorize(start(grace))
    other = served.somebody()
    give_password(served, other.user_id)
    form = grace.get("/auth/login?org=another").form("/auth/login")
    assert grace.submit(form, email=f"{other.handle}@example.com", password=PASSWORD).status == 303
    assert back(grace, good).headers["location"] == "/app?auth_error=state_mismatch"


@pytest.mark.parametrize(("fault", "reason"), [("refuses", "no_token"), ("down", "github")])
def test_what_goes_wrong_at_github_is_said(served: Api, github: FakeGitHub, grace: Browser, fault: str, reason: str) -> None:
    place = github.authorize(start(grace))
    setattr(github, fault, True)
    assert back(grace, place).headers["location"] == f"/app?auth_error={reason}"
    assert linked(served) is None


def test_a_refusal_and_an_odd_answer_link_nothing(served: Api, github: FakeGitHub, grace: Browser) -> None:
    state = parse_qs(urlsplit(start(grace)).query)["state"][0]
    denied = grace.get(f"/auth/github/callback?error=access_denied&state={state}")
    assert denied.headers["location"] == "/app?auth_error=github"
    github.user = {"message": "odd"}
    assert back(grace, github.authorize(start(grace))).headers["location"] == "/app?auth_error=github"
    assert linked(served) is None


@pytest.mark.contract("Canon", "GET /auth/github/disconnect")
def test_after_disconnecting_nothing_acts_at_github_any_more(served: Api, github: FakeGitHub, grace: Browser) -> None:
    back(grace, github.authorize(start(grace)))
    assert grace.get("/auth/github/disconnect", headers={"Sec-Fetch-Site": "cross-site"}).status == 403
    assert linked(served) == "grace"
    assert grace.get("/auth/github/disconnect").headers["location"] == "/auth/account"
    assert linked(served) is None
    with served.container.transactions.begin() as tx:
        assert auth.git_token(tx, served.container.vault, served.owner.user_id) is None  # what editor calls act with
    assert grace.get("/auth/github/disconnect").status == 302  # twice is fine


def test_another_account_takes_the_place_of_the_one_before(served: Api, github: FakeGitHub, grace: Browser) -> None:
    back(grace, github.authorize(start(grace)))
    github.user = {"id": 12, "login": "ada", "name": None}
    back(grace, github.authorize(start(grace)))
    assert linked(served) == "ada"


def test_it_takes_a_session_and_a_github_that_knows_us(api: Api, served: Api) -> None:
    for path in ("login", "callback", "disconnect"):
        assert served.ask("GET", f"/auth/github/{path}", token=None).error == (401, "unauthenticated")
    assert served.ask("GET", "/auth/github/login").error == (403, "session_required")
    assert served.ask("GET", "/auth/github/disconnect").error == (403, "session_required")
    assert api.ask("GET", "/auth/github/login").error == (404, "github_not_configured")
