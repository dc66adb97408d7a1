"""Access and refresh tokens: given out, refreshed, replayed, revoked."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from canonry.features.auth import service
from canonry.features.auth.grants import service as grants
from canonry.features.auth.models import Label
from tests.support.api import Answer, Api
from tests.support.browser import Browser
from tests.support.signing_in import SignIn


def cli_session(api: Api) -> grants.Grant:
    with api.container.transactions.begin() as tx:
        opened = service.open_session(tx, api.owner.user_id, label=Label.CLI, way="device", organization_id=api.owner.organization_id)
        return grants.give(tx, opened.session)


def refresh(api: Api, token: str) -> Answer:
    return api.ask("POST", "/auth/refresh", {"refresh_token": token}, token=None)


def names_of_events(api: Api) -> list[str]:
    with api.container.transactions.begin() as tx:
        return [str(row[0]) for row in tx.connection.execute("SELECT name FROM events WHERE name LIKE 'auth.%' ORDER BY id").fetchall()]


@pytest.mark.contract("Canon", "POST /auth/refresh")
def test_a_token_in_the_body_gives_new_tokens_and_the_old_one_is_401(api: Api) -> None:
    grant = cli_session(api)
    answer = refresh(api, grant.refresh.reveal())
    assert (answer.status, answer.json["expires_in"], answer.headers["cache-control"]) == (200, 3600, "no-store")
    assert "set-cookie" not in answer.headers
    new = answer.json
    assert len({new["access_token"], new["refresh_token"], grant.access.reveal(), grant.refresh.reveal()}) == 4
    assert api.ask("GET", "/v1/me", token=new["access_token"]).json["account"]["handle"] == "ada"
    assert api.ask("GET", "/v1/me", token=grant.access.reveal()).status == 200  # until its hour is over
    assert refresh(api, grant.refresh.reveal()).error == (401, "invalid_refresh_token")


@pytest.mark.contract("Canon", "POST /auth/refresh")
def test_a_token_in_the_cookie_gives_a_new_cookie_and_stays_out_of_the_body(people: Api, sign_in: SignIn) -> None:
    browser = sign_in()
    old = browser.cookies["sw_refresh"]
    seen = browser.ask("POST", "/auth/refresh", body=json.dumps({"refresh_token": "cnf_of-the-body"}).encode(),
                       headers={"Content-Type": "application/json"})  # fmt: skip
    assert seen.status == 200, seen.text
    assert set(json.loads(seen.text)) == {"access_token", "expires_in", "token_type"}
    cookie = seen.cookies["sw_refresh"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["max-age"]) == ("True", "lax", "/auth", "2592000")
    assert browser.cookies["sw_refresh"] != old
    assert people.ask("GET", "/v1/me", token=json.loads(seen.text)["access_token"]).status == 200
    browser.cookies["sw_refresh"] = old
    assert browser.ask("POST", "/auth/refresh").status == 401


@pytest.mark.criterion("identity#refresh-reuse")
def test_a_replay_ends_the_whole_session(api: Api) -> None:
    grant = cli_session(api)
    new = refresh(api, grant.refresh.reveal()).json
    assert refresh(api, grant.refresh.reveal()).error == (401, "invalid_refresh_token")
    for access in (grant.access.reveal(), new["access_token"]):
        assert api.ask("GET", "/v1/me", token=access).error == (401, "invalid_token")
    assert refresh(api, new["refresh_token"]).error == (401, "invalid_refresh_token")
    assert names_of_events(api) == ["auth.signed_in", "auth.tokens_refreshed", "auth.session_revoked"]


def test_of_two_that_refresh_at_once_none_keeps_the_session(api: Api) -> None:
    grant = cli_session(api)
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(refresh(api, grant.refresh.reveal()))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401, 401, 401]
    winner = next(answer.json for answer in answers if answer.status == 200)
    assert api.ask("GET", "/v1/me", token=winner["access_token"]).status == 401
    assert names_of_events(api).count("auth.session_revoked") == 1


@pytest.mark.contract("Canon", "POST /auth/revoke")
def test_a_revoked_token_is_dead_and_revoking_again_is_ok(people: Api, sign_in: SignIn) -> None:
    grant = cli_session(people)
    for token in (grant.refresh.reveal(), grant.refresh.reveal(), "cnf_unknown"):
        assert people.ask("POST", "/auth/revoke", {"refresh_token": token}, token=None).json == {"ok": True}
    assert refresh(people, grant.refresh.reveal()).error == (401, "invalid_refresh_token")
    assert people.ask("GET", "/v1/me", token=grant.access.reveal()).error == (401, "invalid_token")
    for body in (None, {}, {"refresh_token": ""}, {"refresh_token": None}):
        assert people.ask("POST", "/auth/revoke", body, token=None).error == (400, "no_refresh_token")
        assert people.ask("POST", "/auth/refresh", body, token=None).error == (401, "no_refresh_token")
    assert people.ask("POST", "/auth/refresh", {"refresh_token": 1}, token=None).error == (422, "validation_failed")
    browser = sign_in()
    assert browser.ask("POST", "/auth/revoke").status == 200
    assert browser.cookies == {}


def test_an_access_token_ends_after_an_hour_and_a_refresh_prolongs_the_session(api: Api) -> None:
    grant = cli_session(api)
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE sessions SET expires_at = %s", (datetime.now(UTC) + timedelta(minutes=5),))
        tx.connection.execute("UPDATE access_tokens SET expires_at = %s", (datetime.now(UTC) - timedelta(seconds=1),))
    assert api.ask("GET", "/v1/me", token=grant.access.reveal()).error == (401, "invalid_token")
    assert refresh(api, grant.refresh.reveal()).status == 200
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT expires_at, (SELECT count(*) FROM access_tokens) FROM sessions").fetchone()
    assert row is not None
    assert row[0] > datetime.now(UTC) + timedelta(days=29)
    assert row[1] == 1  # the expired one is forgotten


def test_an_access_token_acts_in_the_organization_of_its_session_only(api: Api) -> None:
    grant = cli_session(api)
    with api.container.transactions.begin() as tx:
        tx.connection.execute("DELETE FROM members WHERE user_id = %s", (api.owner.user_id,))
    assert api.ask("GET", "/v1/projects", token=grant.access.reveal()).error == (403, "insufficient_scope")


def test_the_database_holds_only_hashes(api: Api) -> None:
    grant = cli_session(api)
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute("SELECT a::text FROM access_tokens a UNION ALL SELECT r::text FROM refresh_tokens r").fetchall()
        told = tx.connection.execute("SELECT events::text FROM events").fetchall()
    assert not any(secret.reveal()[4:] in str(row) for secret in (grant.access, grant.refresh) for row in [*rows, *told])


def test_another_site_cannot_use_the_cookie_up(sign_in: SignIn) -> None:
    browser: Browser = sign_in()
    for path in ("/auth/refresh", "/auth/revoke"):
        assert browser.ask("POST", path, headers={"Sec-Fetch-Site": "same-site"}).status == 403
    assert browser.ask("POST", "/auth/refresh").status == 200
