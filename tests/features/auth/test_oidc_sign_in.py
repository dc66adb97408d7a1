"""Signing in through an OpenID provider: with a real one in a process of its own, and with one that misbehaves when it is told to."""

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from canonry.adapters.sign_in_provider.oidc.provider import OidcProvider
from canonry.core.secret import Secret
from canonry.wiring.container import Container
from canonry.wiring.identity import make_identities
from tests.support.api import Api, serving
from tests.support.browser import Browser, Seen
from tests.support.canonry import free_port
from tests.support.oidc import CLIENT_ID, CLIENT_SECRET, ScriptedProvider, consent, provider_process
from tests.support.signing_in import give_password

AUDIENCE = "https://canonry.example.com/api"
SUBJECT = "subject-of-grace"


def served(container: Container, issuer: str) -> Iterator[Api]:
    provider = OidcProvider(issuer, CLIENT_ID, Secret(CLIENT_SECRET), scopes="openid email profile", audience=AUDIENCE)
    identity = make_identities(container.transactions, provider)
    with serving(container, sign_in_provider=provider, identity=identity) as api:
        yield api


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with provider_process(free_port(), sub=SUBJECT, email="grace@example.com", email_verified=True, name="Grace") as running:
        yield running


@pytest.fixture
def real(container: Container, issuer: str) -> Iterator[Api]:
    yield from served(container, issuer)


@pytest.fixture
def scripted() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as running:
        yield running


@pytest.fixture
def played(container: Container, scripted: ScriptedProvider) -> Iterator[Api]:
    yield from served(container, scripted.issuer)


def start(browser: Browser, path: str = "/auth/login") -> str:
    seen = browser.get(path)
    assert seen.status == 302, seen.text
    return seen.headers["location"]


def back(browser: Browser, address: str, **headers: str) -> Seen:
    parts = urlsplit(address)
    return browser.get(f"{parts.path}?{parts.query}", headers={"Sec-Fetch-Site": "cross-site", **headers})


def sessions(api: Api) -> int:
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT count(*) FROM sessions").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.contract("Canon", "GET /auth/login")
def test_the_sign_in_leads_to_the_provider_with_the_organization(real: Api, issuer: str) -> None:
    browser = Browser(real.connection)
    place = urlsplit(start(browser, "/auth/login?org=Analytics&connection=staff"))
    query = parse_qs(place.query)
    assert f"{place.scheme}://{place.netloc}" == issuer
    assert (query["organization"], query["connection"], query["client_id"]) == (["Analytics"], ["staff"], [CLIENT_ID])
    assert query["redirect_uri"] == ["http://localhost/auth/callback"]
    assert query["code_challenge_method"] == ["S256"]
    again = parse_qs(urlsplit(start(browser)).query)
    assert "organization" not in again
    assert {query[name][0] == again[name][0] for name in ("state", "nonce", "code_challenge")} == {False}


@pytest.mark.contract("Canon", "GET /auth/callback")
def test_a_good_code_opens_a_session(real: Api) -> None:
    browser = Browser(real.connection)
    returned = consent(start(browser, "/auth/login?next=/auth/account%3Fx=1"), SUBJECT)
    seen = back(browser, returned)
    assert (seen.status, seen.headers["location"]) == (302, "/auth/account?x=1")
    assert set(browser.cookies) == {"canonry_session", "sw_refresh"}
    me = json.loads(browser.get("/v1/me").text)
    assert (me["user"]["email"], me["user"]["name"], me["account"]["handle"]) == ("grace@example.com", "Grace", "grace")
    assert back(browser, returned).headers["location"] == "/auth/login?error=state_mismatch"  # the cookie is used up
    assert start(browser, "/auth/login") == "/auth/account"  # who is signed in goes home


@pytest.mark.contract("Canon", "GET /auth/callback")
def test_an_error_or_a_wrong_state_opens_no_session(real: Api) -> None:
    browser = Browser(real.connection)
    denied = consent(start(browser), SUBJECT, deny=True)
    seen = back(browser, denied)
    assert seen.headers["location"] == "/auth/login?error=access_denied"
    page = browser.get(seen.headers["location"])
    assert (page.status, "refused or broken off" in page.text, "Try again" in page.text) == (401, True, True)
    good = consent(start(browser), SUBJECT)
    state = parse_qs(urlsplit(good).query)["state"][0]
    for wrong in (good.replace(state, "x" * len(state)), good.replace(f"state={state}", "state="), good.replace(f"&state={state}", "")):
        assert back(browser, wrong).headers["location"] == "/auth/login?error=state_mismatch"
    assert back(Browser(real.connection), good).headers["location"] == "/auth/login?error=state_mismatch"  # somebody else's browser
    assert "canonry_session" not in browser.cookies
    assert sessions(real) == 0
    assert back(browser, good).status == 302
    assert sessions(real) == 1


def test_two_tabs_do_not_take_each_others_sign_in(real: Api) -> None:
    browser = Browser(real.connection)
    first, second = start(browser), start(browser)
    for place in (first, second):
        assert back(browser, consent(place, SUBJECT)).headers["location"] == "/auth/account"


def test_the_same_person_comes_back_to_the_same_account(real: Api) -> None:
    ids = set()
    for _ in range(2):
        browser = Browser(real.connection)
        back(browser, consent(start(browser), SUBJECT))
        ids.add(json.loads(browser.get("/v1/me").text)["user"]["id"])
    assert len(ids) == 1


@pytest.mark.contract("Canon", "GET /auth/logout")
def test_signing_out_goes_by_way_of_the_provider(real: Api, issuer: str) -> None:
    browser = Browser(real.connection)
    back(browser, consent(start(browser), SUBJECT))
    kept = dict(browser.cookies)
    place = browser.get("/auth/logout").headers["location"]
    assert place.startswith(f"{issuer}/oauth2/end_session?")
    assert parse_qs(urlsplit(place).query)["post_logout_redirect_uri"] == ["http://localhost/"]
    browser.cookies = kept
    assert browser.get("/v1/me").status == 401


def test_a_password_page_stays_reachable(real: Api) -> None:
    page = Browser(real.connection).get("/auth/login?connection=password&next=/auth/account")
    assert page.status == 200
    assert "identity provider" in page.text


def test_a_token_that_does_not_hold_opens_no_session(played: Api, scripted: ScriptedProvider) -> None:
    browser = Browser(played.connection)
    scripted.changes = {"nonce": "of-another-sign-in"}
    seen = back(browser, scripted.authorize(start(browser)))
    assert (seen.status, "belongs to another sign-in" in seen.text) == (401, True)
    assert sessions(played) == 0
    scripted.changes = {"email": "not an address", "email_verified": None}
    assert back(browser, scripted.authorize(start(browser)), Accept="application/json").status == 400


def test_an_address_that_is_not_verified_takes_over_nobodys_account(played: Api, scripted: ScriptedProvider) -> None:
    browser = Browser(played.connection)
    scripted.claims["email"], scripted.claims["email_verified"] = f"{played.owner.handle}@example.com", False
    assert back(browser, scripted.authorize(start(browser))).status == 409
    assert sessions(played) == 0
    scripted.claims["email_verified"] = True
    assert back(browser, scripted.authorize(start(browser))).status == 302
    assert json.loads(browser.get("/v1/me").text)["user"]["id"] == played.owner.user_id


def test_a_provider_that_is_down_is_said_to_be(played: Api, scripted: ScriptedProvider) -> None:
    scripted.metadata["issuer"] = "broken"
    seen = Browser(played.connection).get("/auth/login")
    assert (seen.status, "cannot be used" in seen.text) == (502, True)


def test_the_providers_own_tokens_are_bearers_for_people_who_came_once(played: Api, scripted: ScriptedProvider) -> None:
    token = scripted.token(aud=AUDIENCE)
    assert played.ask("GET", "/v1/me", token=token).error == (401, "invalid_token")
    browser = Browser(played.connection)
    back(browser, scripted.authorize(start(browser)))
    assert played.ask("GET", "/v1/me", token=token).json["user"]["email"] == "grace@example.com"
    assert played.ask("GET", "/v1/auth/session", token=token).error == (403, "session_required")
    for bad in (scripted.token(), scripted.token(aud=AUDIENCE, exp=1), scripted.token(aud=AUDIENCE, sub="somebody\0else"), token + "x"):
        assert played.ask("GET", "/v1/me", token=bad).error == (401, "invalid_token")
    with played.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET deactivated_at = now() WHERE email = 'grace@example.com'")
    assert played.ask("GET", "/v1/me", token=token).error == (403, "account_deactivated")


@pytest.mark.contract("Canon", "GET /auth/login")
def test_where_nothing_can_be_signed_in_with_it_goes_home(api: Api) -> None:
    browser = Browser(api.connection)
    assert start(browser) == "/"
    page = browser.get("/auth/login?next=/auth/account")
    assert (page.status, "nobody has a password" in page.text) == (200, True)
    give_password(api, api.owner.user_id)
    assert browser.get("/auth/login").status == 200


def test_without_a_provider_there_is_no_way_back_from_one(api: Api) -> None:
    assert api.ask("GET", "/auth/callback?code=x&state=y", token=None).error == (404, "no_sign_in_provider")


@pytest.mark.parametrize(("domains", "status", "opened"), [("example.org", 403, 0), ("example.org,example.com", 302, 1)])
def test_only_people_of_the_named_domains_come_in(container: Container, issuer: str, domains: str, status: int, opened: int) -> None:
    narrow = replace(container, settings=replace(container.settings, oidc_email_domains=domains))
    for api in served(narrow, issuer):
        browser = Browser(api.connection)
        seen = back(browser, consent(start(browser), SUBJECT))
        assert (seen.status, sessions(api), "canonry_session" in browser.cookies) == (status, opened, bool(opened))
        assert ("not let in here" in seen.text) == (status == 403)
