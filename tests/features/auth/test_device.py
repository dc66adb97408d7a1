"""The device flow: a command line on one side, a person in a browser on the other."""

import json
import re
import threading
from datetime import timedelta
from typing import Any

import pytest

from canonry.core.access import Scope
from tests.features.auth.test_grants import names_of_events
from tests.support.api import Answer, Api
from tests.support.browser import Browser, Seen
from tests.support.signing_in import SignIn


def begin(api: Api, **body: str) -> dict[str, Any]:
    answer = api.ask("POST", "/auth/device/code", body, token=None)
    assert answer.status == 200, answer.body
    return dict(answer.json)


def ask(api: Api, codes: dict[str, Any]) -> dict[str, Any]:
    """Ask once, as if the pause were over."""
    shift(api, polled_at=-60)
    return ask_now(api, codes)


def ask_now(api: Api, codes: dict[str, Any]) -> dict[str, Any]:
    answer = api.ask("POST", "/auth/device/token", {"device_code": codes["device_code"]}, token=None)
    assert answer.status == 200, answer.body
    return dict(answer.json)


def shift(api: Api, **seconds: float) -> None:
    with api.container.transactions.begin() as tx:
        for column, by in seconds.items():
            tx.connection.execute(f"UPDATE device_codes SET {column} = {column} + %s".encode(), (timedelta(seconds=by),))  # noqa: S608


def decide(browser: Browser, codes: dict[str, Any], action: str = "approve", **fields: str) -> Seen:
    page = browser.get(f"/auth/device?code={codes['user_code']}")
    assert page.status == 200, page.text
    return browser.submit(page.form("/auth/device"), action=action, **{"organization": "ada", **fields})


@pytest.fixture
def codes(people: Api) -> dict[str, Any]:
    return begin(people, client="canonry on laptop")


@pytest.mark.contract("Canon", "POST /auth/device/code")
def test_a_device_gets_its_codes_and_where_to_go(people: Api) -> None:
    codes = begin(people, org="ada")
    assert set(codes) == {"device_code", "user_code", "verification_uri", "verification_uri_complete", "interval", "expires_in"}
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", codes["user_code"])
    assert codes["verification_uri"] == "http://localhost/auth/device"
    assert codes["verification_uri_complete"] == f"http://localhost/auth/device?code={codes['user_code']}"
    assert (codes["interval"], codes["expires_in"]) == (5, 900)
    assert people.ask("POST", "/auth/device/code", None, token=None).status == 200
    assert begin(people, org="nobody-there")["user_code"]  # an unknown organization is no error
    for bad in ("a b", "ü", "a/b", "x" * 101, "a\nb"):
        answer = people.ask("POST", "/auth/device/code", {"org": bad}, token=None)
        assert answer.error == (422, "validation_failed")
        assert answer.json["issues"][0]["path"] == "body.org"


@pytest.mark.contract("Canon", "POST /auth/device/token")
def test_it_is_pending_until_it_is_approved_and_then_gives_tokens_once(people: Api, sign_in: SignIn, codes: dict[str, Any]) -> None:
    assert ask(people, codes) == {"status": "pending", "slow_down": False}
    seen = decide(sign_in(), codes)
    assert (seen.status, "canonry on laptop" in seen.text) == (200, True)
    told = ask(people, codes)
    assert set(told) == {"status", "access_token", "refresh_token", "expires_in", "email", "org", "session_created"}
    assert (told["status"], told["email"], told["org"], told["session_created"]) == ("approved", "ada@example.com", "ada", True)
    assert people.ask("GET", "/v1/me", token=told["access_token"]).json["account"]["handle"] == "ada"
    assert people.ask("POST", "/auth/refresh", {"refresh_token": told["refresh_token"]}, token=None).status == 200
    again = ask(people, codes)
    assert (again["status"], "access_token" in again) == ("error", False)
    assert names_of_events(people)[1:4] == ["auth.device_approved", "auth.signed_in", "auth.tokens_refreshed"]


@pytest.mark.contract("Canon", "POST /auth/device/token")
@pytest.mark.criterion("identity#user-code-ends")
def test_denied_and_expired_are_status_values(people: Api, sign_in: SignIn, codes: dict[str, Any]) -> None:
    assert "was not signed in" in decide(sign_in(), codes, "deny").text
    assert ask(people, codes) == {"status": "denied"}
    late = begin(people)
    shift(people, expires_at=-901)
    assert ask(people, late) == {"status": "expired"}
    assert ask(people, {"device_code": "made up"})["status"] == "error"
    for bad in ({}, {"device_code": ""}, {"device_code": 1}, None):
        assert people.ask("POST", "/auth/device/token", bad, token=None).error == (422, "validation_failed")


@pytest.mark.contract("Canon", "POST /auth/device/token")
def test_who_asks_too_fast_is_told_to_slow_down(people: Api, codes: dict[str, Any]) -> None:
    assert ask_now(people, codes) == {"status": "pending", "slow_down": False}
    assert ask_now(people, codes) == {"status": "pending", "slow_down": True}
    shift(people, polled_at=-6)
    assert ask_now(people, codes) == {"status": "pending", "slow_down": True}  # the pause has grown to ten seconds, and to fifteen now
    shift(people, polled_at=-15)
    assert ask_now(people, codes) == {"status": "pending", "slow_down": False}


def test_an_expired_code_cannot_be_approved_and_an_approved_one_expires(people: Api, sign_in: SignIn, codes: dict[str, Any]) -> None:
    browser = sign_in()
    form = browser.get(f"/auth/device?code={codes['user_code']}").form("/auth/device")
    shift(people, expires_at=-901)
    assert browser.submit(form, action="approve", organization="ada").status == 404
    shift(people, expires_at=901)
    assert browser.submit(form, action="approve", organization="ada").status == 200
    assert browser.submit(form, action="deny", organization="ada").status == 404  # decided once
    shift(people, expires_at=-901)
    assert ask(people, codes) == {"status": "expired"}


def test_of_many_that_ask_at_once_one_gets_the_tokens(people: Api, sign_in: SignIn, codes: dict[str, Any]) -> None:
    decide(sign_in(), codes)
    answers: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(ask_now(people, codes))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("access_token" in answer for answer in answers) == 1


def test_the_page_asks_strangers_to_sign_in_and_brings_them_back(browser: Browser, codes: dict[str, Any]) -> None:
    sent = browser.get(f"/auth/device?code={codes['user_code']}")
    assert sent.status == 307
    assert sent.headers["location"] == f"/auth/login?next=%2Fauth%2Fdevice%3Fcode%3D{codes['user_code']}"


def test_the_page_says_who_asks_and_takes_the_code_in_any_form(people: Api, sign_in: SignIn) -> None:
    codes = begin(people, client="<b>evil</b>\ncanonry")
    browser = sign_in()
    typed = codes["user_code"].replace("-", "").lower()
    for text in (typed, f"{typed[:4]}%20{typed[4:]}", codes["user_code"]):
        page = browser.get(f"/auth/device?code={text}")
        assert page.status == 200, text
        assert "&lt;b&gt;evil&lt;/b&gt;canonry" in page.text
        assert codes["user_code"] in page.text
    assert "Enter the code" in browser.get("/auth/device").text


def test_another_site_or_a_missing_token_decides_nothing(people: Api, sign_in: SignIn, codes: dict[str, Any]) -> None:
    browser = sign_in()
    fields = {"code": codes["user_code"], "action": "approve", "organization": "ada"}
    assert browser.ask("POST", "/auth/device", form=fields).status == 403
    form = browser.get(f"/auth/device?code={codes['user_code']}").form("/auth/device")
    forged = browser.ask("POST", "/auth/device", form={**form.fields, **fields}, headers={"Sec-Fetch-Site": "same-site"})
    assert forged.status == 403
    assert ask(people, codes)["status"] == "pending"


def test_a_token_cannot_approve_a_device_and_so_become_more_than_it_is(people: Api, codes: dict[str, Any]) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for scope in Scope:
        token = people.owner.tokens[scope]
        raw = f"code={codes['user_code']}&action=approve&organization=ada".encode()
        answer: Answer = people.ask("POST", "/auth/device", raw=raw, headers=form, token=token)
        assert answer.error == (403, "browser_required")
    assert ask(people, codes)["status"] == "pending"


@pytest.mark.criterion("identity#user-code-ends")
def test_codes_cannot_be_guessed_for_long(sign_in: SignIn, codes: dict[str, Any]) -> None:
    browser = sign_in()
    for _ in range(30):  # right ones do not count
        assert browser.get(f"/auth/device?code={codes['user_code']}").status == 200
    statuses = [browser.get("/auth/device?code=BCDF-GHJK").status for _ in range(11)]
    assert statuses == [404] * 10 + [429]
    assert browser.get(f"/auth/device?code={codes['user_code']}").status == 429


def test_one_chooses_among_ones_own_organizations(people: Api, sign_in: SignIn) -> None:
    other = people.somebody()
    codes = begin(people, org=other.handle)
    browser = sign_in()
    page = browser.get(f"/auth/device?code={codes['user_code']}")
    assert f"It asked for {other.handle}, where you are no member" in page.text
    form = page.form("/auth/device")
    assert browser.submit(form, action="approve", organization=other.handle).status == 404
    assert browser.submit(form, action="approve", organization="").status == 404
    with people.container.transactions.begin() as tx:
        tx.connection.execute(
            "INSERT INTO members (organization_id, user_id, role) VALUES (%s, %s, 'viewer')", (other.organization_id, people.owner.user_id)
        )
    assert f'<option value="{other.handle}" selected>' in browser.get(f"/auth/device?code={codes['user_code']}").text
    assert browser.submit(form, action="approve", organization=other.handle).status == 200
    told = ask(people, codes)
    assert told["org"] == other.handle
    assert people.ask("POST", "/v1/projects", {"name": "x"}, token=told["access_token"]).status == 403  # a viewer there
    session = json.loads(browser.get("/v1/auth/sessions").text)["sessions"][0]
    assert session["label"] == "cli"


def test_who_lost_the_organization_meanwhile_gets_nothing(people: Api, sign_in: SignIn, codes: dict[str, Any]) -> None:
    decide(sign_in(), codes)
    with people.container.transactions.begin() as tx:
        tx.connection.execute("DELETE FROM members WHERE user_id = %s", (people.owner.user_id,))
    assert ask(people, codes) == {"status": "denied"}


def test_the_database_holds_only_hashes(people: Api, codes: dict[str, Any]) -> None:
    with people.container.transactions.begin() as tx:
        text = str(tx.connection.execute("SELECT device_codes::text FROM device_codes").fetchall())
    assert codes["device_code"] not in text
    assert codes["user_code"].replace("-", "") not in text
