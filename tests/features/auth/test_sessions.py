"""Sessions over the API: who is let in by a cookie, and for how long."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from canonry.core.access import Scope
from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.infra.prepared import Prepared
from tests.support.api import Answer, Api
from tests.support.browser import Browser, Seen
from tests.support.signing_in import EMAIL, PASSWORD, SignIn, give_password, work

JSON = {"Content-Type": "application/json", "Accept": "application/json"}


def post(browser: Browser, path: str, body: object = None, **headers: str) -> Seen:
    return browser.ask("POST", path, body=json.dumps(body).encode(), headers={**JSON, **headers})


def open_session(browser: Browser, **fields: str) -> Any:  # noqa: ANN401 -- JSON
    seen = post(browser, "/v1/auth/session", {"email": EMAIL, "password": PASSWORD, **fields})
    assert seen.status == 201, seen.text
    return json.loads(seen.text)


def change(api: Api, **columns: object) -> None:
    with api.container.transactions.begin() as tx:
        for name, value in columns.items():
            tx.connection.execute(f"UPDATE sessions SET {name} = %s".encode(), (value,))  # noqa: S608 -- our own names


def events(api: Api, prefix: str = "auth.") -> list[tuple[str, str]]:
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute("SELECT name, credential FROM events WHERE name LIKE %s ORDER BY id", (f"{prefix}%",)).fetchall()
    return [(str(row[0]), str(row[1])) for row in rows]


def with_cookie(api: Api, method: str, path: str, cookie: str, **headers: str) -> Answer:
    return api.ask(method, path, token=None, headers={"Cookie": cookie, **headers})


def value_of(browser: Browser) -> str:
    return browser.cookies["canonry_session"][0]


@pytest.mark.contract("Canner", "bearer token and session cookie")
def test_a_token_and_the_cookie_give_the_same_answers_and_neither_is_401(people: Api, browser: Browser) -> None:
    people.project("shop")
    open_session(browser)
    for path in ("/v1/projects", "/v1/projects/shop", "/v1/projects/shop/deployments"):
        by_cookie = browser.get(path, headers={"Accept": "application/json"})
        assert by_cookie.status == 200
        assert json.loads(by_cookie.text) == people.ask("GET", path).json
        assert people.ask("GET", path, token=None).error == (401, "unauthenticated")
    token = json.loads(browser.get("/v1/auth/session").text)["csrf_token"]
    made = post(browser, "/v1/projects", {"name": "Made by a session"}, **{"X-CSRF-Token": token})
    assert made.status == 201
    assert people.ask("GET", "/v1/projects/made-by-a-session").json == json.loads(made.text)


def test_the_cookie_is_kept_from_scripts_and_other_sites(people: Api, browser: Browser) -> None:
    seen = post(browser, "/v1/auth/session", {"email": EMAIL, "password": PASSWORD})
    cookie = seen.cookies["canonry_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["max-age"]) == ("True", "lax", "/", "2592000")
    assert "secure" not in cookie
    assert "domain" not in cookie
    over_tls = post(browser, "/v1/auth/session", {"email": EMAIL, "password": PASSWORD}, **{"X-Forwarded-Proto": "https"})
    secure = over_tls.cookies["__Host-canonry_session"]
    assert (secure["secure"], secure["path"], secure["httponly"], "domain" in secure) == ("True", "/", "True", False)
    assert over_tls.cookies["canonry_session"]["value"] == ""  # one of before is forgotten
    assert cookie["value"] not in seen.text
    assert people.ask("GET", "/v1/auth/session").error == (403, "session_required")


def test_every_sign_in_has_a_new_secret_and_the_database_only_a_hash(people: Api, browser: Browser) -> None:
    browser.cookies["canonry_session"] = ("planted-before-the-sign-in", "/")
    first = open_session(browser)
    secret = value_of(browser)
    second = open_session(browser)
    assert len({secret, value_of(browser), "planted-before-the-sign-in"}) == 3
    assert first["id"] != second["id"]
    assert first["csrf_token"] != second["csrf_token"]
    with people.container.transactions.begin() as tx:
        rows = tx.connection.execute("SELECT sessions::text, octet_length(sha256) FROM sessions").fetchall()
    assert {row[1] for row in rows} == {32}
    assert not any(secret in row[0] for row in rows)


def test_a_wrong_password_opens_nothing(people: Api, browser: Browser) -> None:
    seen = post(browser, "/v1/auth/session", {"email": EMAIL, "password": "wrong"})
    assert (seen.status, json.loads(seen.text)["error"]) == (401, "invalid_credentials")
    assert browser.cookies == {}
    assert events(people) == []
    bad = post(browser, "/v1/auth/session", {"email": EMAIL})
    assert (bad.status, json.loads(bad.text)["issues"][0]["path"]) == (400, "body.password")
    assert PASSWORD not in post(browser, "/v1/auth/session", {"email": EMAIL, "password": PASSWORD, "more": 1}).text


def test_a_bad_bearer_is_401_even_beside_a_good_cookie(people: Api, sign_in: SignIn) -> None:
    cookie = f"canonry_session={value_of(sign_in())}"
    assert with_cookie(people, "GET", "/v1/me", cookie).status == 200
    assert with_cookie(people, "GET", "/v1/me", cookie, Authorization="Bearer cnr_wrong").error == (401, "invalid_token")
    assert with_cookie(people, "GET", "/v1/me", cookie, Authorization="Bearer ").error == (401, "unauthenticated")
    assert with_cookie(people, "GET", "/v1/me", cookie, Authorization="Basic YTpi").status == 200  # of a proxy in front, not ours


@pytest.mark.parametrize("cookie", ["canonry_session=", "canonry_session=x", "canonry_session", "other=1", "canonry_session=\xff"])
def test_a_cookie_that_is_none_of_ours_is_401(people: Api, cookie: str) -> None:
    status, code = with_cookie(people, "GET", "/v1/me", cookie).error
    assert (status, code in {"unauthenticated", "invalid_session"}) == (401, True)


def test_a_cookie_planted_beside_ours_is_not_believed(people: Api, sign_in: SignIn) -> None:
    other = people.somebody()
    give_password(people, other.user_id)
    mine, planted = value_of(sign_in()), value_of(sign_in(f"{other.handle}@example.com"))
    assert with_cookie(people, "GET", "/v1/me", f"canonry_session={mine}; canonry_session={mine}").status == 200
    for cookie in (f"canonry_session={planted}; canonry_session={mine}", f"canonry_session={mine}; canonry_session={planted}"):
        assert with_cookie(people, "GET", "/v1/me", cookie).error == (401, "unauthenticated")


def test_over_https_a_project_cannot_plant_a_session_for_somebody_who_is_not_signed_in(people: Api, sign_in: SignIn) -> None:
    """A sub-domain may set `canonry_session` for its parent, but nothing whose name begins with `__Host-`."""
    https = {"X-Forwarded-Proto": "https"}
    planted = value_of(sign_in())
    assert with_cookie(people, "GET", "/v1/me", f"canonry_session={planted}", **https).error == (401, "unauthenticated")
    assert with_cookie(people, "GET", "/v1/me", f"__Host-canonry_session={planted}", **https).status == 200
    own = people.somebody()
    give_password(people, own.user_id)
    mine = value_of(sign_in(f"{own.handle}@example.com"))
    shown = with_cookie(people, "GET", "/v1/me", f"canonry_session={planted}; __Host-canonry_session={mine}", **https)
    assert (shown.status, own.handle in str(shown.json)) == (200, True)
    assert with_cookie(people, "GET", "/v1/me", f"__Host-canonry_session={mine}").error == (401, "unauthenticated")  # never over http


def test_a_session_of_before_goes_on_over_https(people: Api, sign_in: SignIn) -> None:
    sign_in()
    change(people, sha256=hashlib.sha256(b"a-secret-of-before-without-a-prefix").digest())
    assert (
        with_cookie(people, "GET", "/v1/me", "canonry_session=a-secret-of-before-without-a-prefix", **{"X-Forwarded-Proto": "https"}).status
        == 200
    )


@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
def test_a_session_that_has_ended_is_401_at_the_very_next_request(people: Api, sign_in: SignIn, column: str) -> None:
    browser = sign_in()
    assert browser.get("/v1/me").status == 200
    change(people, **{column: datetime.now(UTC) - timedelta(seconds=1)})
    seen = browser.get("/v1/me", headers={"Accept": "application/json"})
    assert (seen.status, json.loads(seen.text)["error"]) == (401, "invalid_session")


def test_signing_out_ends_the_session_and_clears_the_cookie(people: Api, browser: Browser) -> None:
    token = open_session(browser)["csrf_token"]
    cookie = f"canonry_session={value_of(browser)}"
    seen = browser.ask("DELETE", "/v1/auth/session", headers={"X-CSRF-Token": token})
    assert (seen.status, browser.cookies) == (204, {})
    assert with_cookie(people, "GET", "/v1/me", cookie).error == (401, "invalid_session")
    assert [name for name, _ in events(people)] == ["auth.signed_in", "auth.session_revoked"]
    assert all(credential.startswith("session ses_") for _, credential in events(people))


def test_my_sessions_are_listed_in_pages_and_ended_one_by_one(people: Api, sign_in: SignIn) -> None:
    browsers = [sign_in() for _ in range(3)]
    stranger = people.somebody()
    give_password(people, stranger.user_id)
    theirs = json.loads(sign_in(f"{stranger.handle}@example.com").get("/v1/auth/session").text)["id"]
    asking = browsers[1]
    first = json.loads(asking.get("/v1/auth/sessions?limit=2").text)
    second = json.loads(asking.get(f"/v1/auth/sessions?limit=2&cursor={first['next_cursor']}").text)
    rows = [*first["sessions"], *second["sessions"]]
    assert ([row["current"] for row in rows], second["next_cursor"]) == ([False, True, False], None)
    assert {row["label"] for row in rows} == {"browser"}
    assert all("Mozilla" in row["client"] for row in rows)
    token = json.loads(asking.get("/v1/auth/session").text)["csrf_token"]
    assert asking.ask("DELETE", f"/v1/auth/sessions/{rows[0]['id']}", headers={"X-CSRF-Token": token}).status == 204
    assert browsers[2].get("/v1/me").status == 401
    assert browsers[0].get("/v1/me").status == 200
    for unknown in (rows[0]["id"], theirs, "ses_0000000000000000", "x"):
        assert asking.ask("DELETE", f"/v1/auth/sessions/{unknown}", headers={"X-CSRF-Token": token}).status == 404


def test_a_session_acts_in_the_organization_it_was_switched_to(people: Api, browser: Browser) -> None:
    other = people.somebody()
    with people.container.transactions.begin() as tx:
        tx.connection.execute(
            "INSERT INTO members (organization_id, user_id, role) VALUES (%s, %s, 'viewer')", (other.organization_id, people.owner.user_id)
        )
    opened = open_session(browser)
    assert (opened["organization"]["handle"], opened["organization"]["role"]) == ("ada", "owner")
    header = {"X-CSRF-Token": opened["csrf_token"]}
    switched = post(browser, "/v1/auth/organization", {"organization": f"@{other.handle.upper()}"}, **header)
    assert switched.status == 200, switched.text
    answer = json.loads(switched.text)
    assert (answer["organization"]["handle"], answer["organization"]["role"]) == (other.handle, "viewer")
    assert answer["permissions"] == ["projects:read", "specs:read"]
    assert json.loads(browser.get("/v1/me").text)["account"]["handle"] == other.handle
    assert post(browser, "/v1/projects", {"name": "no"}, **header).status == 403
    for unknown in ("nobody", people.somebody().handle, "a\u0000b"):
        assert post(browser, "/v1/auth/organization", {"organization": unknown}, **header).status in {400, 404}
    with people.container.transactions.begin() as tx:
        tx.connection.execute("DELETE FROM members WHERE organization_id = %s", (other.organization_id,))
    assert json.loads(browser.get("/v1/me").text)["account"]["handle"] == "ada"  # who was put out falls back to their own


def test_somebody_without_any_organization_is_known_and_may_do_nothing(people: Api, browser: Browser) -> None:
    opened = open_session(browser)
    with people.container.transactions.begin() as tx:
        tx.connection.execute("DELETE FROM members WHERE user_id = %s", (people.owner.user_id,))
    answer = json.loads(browser.get("/v1/auth/session").text)
    assert (answer["organization"], answer["permissions"], answer["id"]) == (None, [], opened["id"])
    assert browser.get("/v1/projects").status == 403


def test_a_deactivated_person_is_refused(people: Api, sign_in: SignIn) -> None:
    browser = sign_in()
    with people.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET deactivated_at = now() WHERE id = %s", (people.owner.user_id,))
    seen = browser.get("/v1/me", headers={"Accept": "application/json"})
    assert (seen.status, json.loads(seen.text)["error"]) == (403, "account_deactivated")


def test_a_token_has_no_sessions(people: Api) -> None:
    for method, path in (("GET", "/v1/auth/session"), ("GET", "/v1/auth/sessions"), ("DELETE", "/v1/auth/session")):
        for scope in Scope:
            assert people.ask(method, path, token=people.owner.tokens[scope]).error == (403, "session_required")
        assert people.ask(method, path, token=None).error == (401, "unauthenticated")


def test_who_changes_their_password_is_signed_out_everywhere(people: Api, sign_in: SignIn) -> None:
    browser = sign_in()
    accounts.set_password(people.container.transactions, people.owner.user_id, Secret("another long password"))
    work(people)
    assert browser.get("/v1/me").status == 401


def test_authenticating_costs_one_query(people: Api, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, token = Secret(value_of(sign_in())), Secret(people.owner.tokens[Scope.READ])
    identity, asked = people.container.ports.identity, []
    real = psycopg.Cursor.execute

    def counted(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 -- whatever psycopg takes
        asked.append(query)
        return real(cursor, query, *arguments, **options)

    identity.authenticate(token)  # the first use is noted
    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    prepared = Prepared.first

    def counted_too(query: Prepared, *arguments: Any) -> Any:  # noqa: ANN401 -- likewise
        asked.append(query)
        return prepared(query, *arguments)

    monkeypatch.setattr(Prepared, "first", counted_too)
    for find in (lambda: identity.authenticate_session(secret, "ada"), lambda: identity.authenticate(token)):
        asked.clear()
        assert find() is not None
        assert len([query for query in asked if query]) == 1  # the pool sends an empty one to see that the connection lives
