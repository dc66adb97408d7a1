"""Sessions end when the password is changed."""

import json

import pytest

from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.features.auth import service as auth
from canonry.features.auth.grants import service as grants
from canonry.features.auth.models import Label
from tests.support.api import Api
from tests.support.browser import Browser
from tests.support.signing_in import EMAIL, PASSWORD, SignIn, work

NEW = "another long password"


def change_password(api: Api) -> None:
    accounts.set_password(api.container.transactions, api.owner.user_id, Secret(NEW))


@pytest.mark.parametrize("worked", [False, True])
def test_another_password_ends_every_session_before_any_job_has_run(people: Api, sign_in: SignIn, worked: bool) -> None:
    browsers = [sign_in(), sign_in()]
    assert [browser.get("/v1/me").status for browser in browsers] == [200, 200]
    change_password(people)
    fresh = Browser(people.connection)
    form = fresh.get("/auth/login").form("/auth/login")
    assert fresh.submit(form, email=EMAIL, password=NEW).status == 303
    if worked:
        work(people)
        with people.container.transactions.begin() as tx:
            assert tx.connection.execute("SELECT count(*) FROM sessions WHERE revoked_at IS NULL").fetchone() == (1,)
    assert [browser.get("/v1/me").status for browser in browsers] == [401, 401]
    assert fresh.get("/v1/me").status == 200  # it began after the change, however late the job came


def test_the_tokens_of_those_sessions_are_good_for_nothing_either(people: Api) -> None:
    with people.container.transactions.begin() as tx:
        grant = grants.give(tx, auth.open_session(tx, people.owner.user_id, label=Label.CLI, way="device").session)
    assert people.ask("GET", "/v1/me", token=grant.access.reveal()).status == 200
    change_password(people)
    assert people.ask("GET", "/v1/me", token=grant.access.reveal()).error == (401, "invalid_token")
    body = {"refresh_token": grant.refresh.reveal()}
    assert people.ask("POST", "/auth/refresh", body, token=None).error == (401, "invalid_refresh_token")


def test_the_session_in_which_it_was_changed_goes_on(people: Api, sign_in: SignIn) -> None:
    mine, other = sign_in(), sign_in()
    csrf = json.loads(mine.get("/v1/auth/session").text)["csrf_token"]
    body = json.dumps({"current_password": PASSWORD, "new_password": NEW}).encode()
    headers = {"Content-Type": "application/json", "X-CSRF-Token": csrf}
    assert mine.ask("POST", "/v1/me/password", body=body, headers=headers).status == 200
    assert [mine.get("/v1/me").status, other.get("/v1/me").status] == [200, 401]
    work(people)
    assert [mine.get("/v1/me").status, other.get("/v1/me").status] == [200, 401]


def test_a_device_that_was_approved_before_is_not_let_in_after(people: Api, sign_in: SignIn) -> None:
    browser = sign_in()
    codes = people.ask("POST", "/auth/device/code", {}, token=None).json
    form = browser.get(f"/auth/device?code={codes['user_code']}").form("/auth/device")
    assert browser.submit(form, action="approve", organization="ada").status == 200
    change_password(people)
    answer = people.ask("POST", "/auth/device/token", {"device_code": codes["device_code"]}, token=None)
    assert answer.json == {"status": "denied"}
