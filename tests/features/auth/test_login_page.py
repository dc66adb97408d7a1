"""The sign-in page, as a browser without JavaScript uses it."""

import json
import re
import time

import pyotp
import pytest

from canonry.features.auth.routes.login import _seal
from tests.support.api import Api
from tests.support.browser import Browser, Seen
from tests.support.signing_in import EMAIL, PASSWORD, SignIn


def log_in(browser: Browser, page: str = "/auth/login", **fields: str) -> Seen:
    return browser.submit(browser.get(page).form("/auth/login"), **{"email": EMAIL, "password": PASSWORD, **fields})


def test_who_signs_in_comes_to_the_page_about_themselves(browser: Browser) -> None:
    seen = log_in(browser)
    assert (seen.status, seen.headers["location"]) == (303, "/auth/account")
    place, page = browser.follow("/auth/account")
    assert (place, page.status) == ("/auth/account", 200)
    assert EMAIL in page.text
    assert "this one" in page.text


def test_a_page_needs_nothing_from_outside_and_runs_no_script(browser: Browser) -> None:
    seen = browser.get("/auth/login")
    assert "<script" not in seen.text
    assert re.findall(r"""(?:src|href|action)=["']?(?:https?:)?//""", seen.text) == []
    policy = seen.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert seen.headers["cache-control"] == "no-store"
    for field in ("email", "password"):
        assert f"<label for={field}>" in seen.text


def test_who_is_sent_here_goes_on_to_where_they_wanted_to_go(browser: Browser) -> None:
    sent = browser.get("/auth/account?x=1")
    assert (sent.status, sent.headers["location"]) == (307, "/auth/login?next=%2Fauth%2Faccount%3Fx%3D1")
    assert log_in(browser, sent.headers["location"]).headers["location"] == "/auth/account?x=1"
    assert browser.get("/auth/account?x=1").status == 200


@pytest.mark.parametrize(
    "place", ["https://evil.example.com/", "//evil.example.com", "/\\evil.example.com", "javascript:alert(1)", "/a\tb", ""]
)
def test_nobody_is_led_to_another_site(browser: Browser, place: str) -> None:
    form = browser.get("/auth/login").form("/auth/login")
    seen = browser.submit(form, email=EMAIL, password=PASSWORD, next=place)
    assert seen.headers["location"] == "/auth/account"


def test_a_wrong_password_is_said_on_the_page_and_typed_text_stays_text(browser: Browser) -> None:
    seen = log_in(browser, email='"><script>x</script>@example.com', password="wrong")
    assert seen.status == 401
    assert "role=alert" in seen.text
    assert "<script>" not in seen.text
    assert "&lt;script&gt;" in seen.text
    assert "canonry_session" not in browser.cookies
    assert log_in(browser, password="wrong").form("/auth/login").fields["email"] == EMAIL
    assert "wrong" not in log_in(browser, password="wrong").text.replace("wrong password", "")


def test_too_many_tries_are_429_on_the_page(browser: Browser) -> None:
    statuses = [log_in(browser, password="wrong").status for _ in range(12)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert "canonry_session" not in browser.cookies


def test_the_second_factor_is_asked_for_in_a_second_step(people: Api, browser: Browser) -> None:
    secret = _second_factor(people)
    asked = log_in(browser)
    assert asked.status == 200
    assert PASSWORD not in asked.text
    form = asked.form("/auth/login")
    wrong = browser.submit(form, code="000000")
    assert wrong.status == 401
    assert "canonry_session" not in browser.cookies
    assert browser.submit(wrong.form("/auth/login"), code=pyotp.TOTP(secret).now()).status == 303
    assert browser.get("/v1/me").status == 200


def test_the_second_step_expires_and_cannot_be_made_up(people: Api, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    for sealed in ("x", "AAAA", ""):
        seen = browser.ask("POST", "/auth/login", form={"sealed": sealed, "code": "123456"})
        assert seen.status == 401
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: 1_000_000_000.0)
        old = _seal(people.container, EMAIL, PASSWORD)
    assert browser.ask("POST", "/auth/login", form={"sealed": old, "code": ""}).status == 401
    assert browser.ask("POST", "/auth/login", form={"sealed": _seal(people.container, EMAIL, PASSWORD), "code": ""}).status == 303


@pytest.mark.contract("Canon", "GET /auth/logout")
def test_after_signing_out_the_session_is_gone_and_the_next_call_is_refused(browser: Browser) -> None:
    log_in(browser)
    kept = dict(browser.cookies)
    seen = browser.get("/auth/logout")
    assert (seen.status, seen.headers["location"], browser.cookies) == (302, "/", {})
    browser.cookies = kept
    assert browser.get("/auth/account").headers["location"].startswith("/auth/login")
    assert browser.get("/v1/me").status == 401
    assert browser.get("/auth/logout").status == 302  # twice is fine


def test_another_site_can_sign_nobody_out(browser: Browser) -> None:
    log_in(browser)
    seen = browser.get("/auth/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert seen.status == 403
    assert "Another site made this request" in seen.text
    assert browser.get("/v1/me").status == 200


def test_sessions_are_ended_on_the_page_about_oneself(browser: Browser, sign_in: SignIn) -> None:
    other = sign_in()
    log_in(browser)
    form = browser.get("/auth/account").form("/auth/account/sessions/")
    assert browser.ask("POST", form.action, form={}).status == 403
    assert other.get("/v1/me").status == 200
    assert browser.submit(form).headers["location"] == "/auth/account"
    assert other.get("/v1/me").status == 401
    assert browser.get("/auth/account").text.count("/auth/account/sessions/") == 0


def test_a_program_gets_the_envelope_where_a_person_gets_a_page(browser: Browser) -> None:
    seen = browser.get("/auth/account", headers={"Accept": "application/json"})
    assert (seen.status, json.loads(seen.text)["error"]) == (401, "unauthenticated")


def _second_factor(people: Api) -> str:
    secret = pyotp.random_base32()
    user_id = people.owner.user_id
    with people.container.transactions.begin() as tx:
        sealed = people.container.vault.seal(secret, bound=f"second_factors {user_id}")
        tx.connection.execute("INSERT INTO second_factors (user_id, sealed_secret, confirmed_at) VALUES (%s, %s, now())", (user_id, sealed))
    return secret
