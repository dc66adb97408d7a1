"""Registering and verifying an address, over HTTP."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from canonry.core.secret import Secret
from canonry.features import accounts
from tests.support.api import Api, serving
from tests.support.mail import secret_in, take, waiting

PASSWORD = "correct horse battery"
REGISTER = "/v1/auth/register"
VERIFY = "/v1/auth/verify-email"


@pytest.fixture
def open_api(api: Api) -> Iterator[Api]:
    """Give an API where anybody may register."""
    with serving(replace(api.container, settings=replace(api.container.settings, open_registration=True))) as served:
        yield served


def register(api: Api, email: str = "ada@example.org", **more: str) -> tuple[int, dict[str, str]]:
    answer = api.ask("POST", REGISTER, {"email": email, "password": PASSWORD, **more}, token=None)
    return answer.status, answer.json


def sign_in(api: Api, email: str = "ada@example.org", password: str = PASSWORD) -> accounts.User:
    container = api.container
    return accounts.sign_in(container.transactions, container.vault, email=email, password=Secret(password), address="")


def test_nobody_registers_unless_it_is_open(api: Api) -> None:
    answer = api.ask("POST", REGISTER, {"email": "ada@example.org", "password": PASSWORD}, token=None)
    assert answer.error == (403, "registration_closed")


def test_somebody_registers_verifies_and_may_make_projects(open_api: Api) -> None:
    status, answer = register(open_api, "Ada@Example.org", name="Ada Lovelace", handle="engines")
    assert (status, answer["status"]) == (202, "mail_sent")
    mail = take(open_api.container, "ada@example.org")
    user = sign_in(open_api)
    assert (user.name, user.email_verified_at, user.is_operator) == ("Ada Lovelace", None, False)
    with open_api.container.transactions.begin() as tx:
        (mine,) = accounts.memberships(tx, user.id)
    assert (mine.handle, mine.role) == ("engines", "owner")
    verified = open_api.ask("POST", VERIFY, {"token": secret_in(mail)}, token=None)
    assert (verified.status, verified.json) == (200, {"verified": True, "email": "ada@example.org"})
    assert sign_in(open_api).email_verified_at is not None
    assert open_api.ask("POST", VERIFY, {"token": secret_in(mail)}, token=None).error == (400, "invalid_link")


@pytest.mark.criterion("identity#tells-nothing")
def test_whoever_has_an_account_is_answered_the_same_and_gets_a_mail(open_api: Api) -> None:
    first = register(open_api)
    take(open_api.container, "ada@example.org")
    again = open_api.ask("POST", REGISTER, {"email": "ada@example.org", "password": "another password 1"}, token=None)
    assert (again.status, again.json) == first
    mail = take(open_api.container, "ada@example.org")
    assert "already" in mail.subject
    assert sign_in(open_api).email == "ada@example.org"  # with the password of the first time
    chosen = {"token": secret_in(mail), "password": "a third password"}
    assert open_api.ask("POST", "/v1/auth/password-reset/confirm", chosen, token=None).status == 200
    assert sign_in(open_api, password="a third password").email_verified_at is not None


def test_two_who_register_at_once_are_one_account(open_api: Api) -> None:
    statuses: Counter[int] = Counter()

    def one() -> None:
        statuses[register(open_api)[0]] += 1

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == {202: 4}
    subjects = Counter(mail.subject for mail in waiting(open_api.container, "ada@example.org"))
    assert subjects == {"Confirm your e-mail address": 1, "You have an account already": 3}


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"email": "no address"}, "body.email", "invalid_email"),
        ({"email": "ada@example.org\r\nBcc: eve@example.org"}, "body.email", "invalid_email"),
        ({"password": "short"}, "body.password", "weak_password"),
        ({"password": "ada@example.org"}, "body.password", "weak_password"),
        ({"handle": "No"}, "body.handle", "invalid_handle"),
        ({"name": "a\nb"}, "body.name", "validation_failed"),
        ({"admin": "yes"}, "body.admin", "validation_failed"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(open_api: Api, body: dict[str, str], path: str, code: str) -> None:
    answer = open_api.ask("POST", REGISTER, {"email": "ada@example.org", "password": PASSWORD, **body}, token=None)
    assert answer.error == (400, code)
    assert [issue["path"] for issue in answer.json["issues"]] == [path]
    assert waiting(open_api.container) == []


def test_a_handle_that_cannot_be_had_is_a_conflict(open_api: Api) -> None:
    for handle, code in (("admin", "handle_reserved"), (open_api.owner.handle, "handle_taken")):
        answer = open_api.ask("POST", REGISTER, {"email": "ada@example.org", "password": PASSWORD, "handle": handle}, token=None)
        assert answer.error == (409, code)


def test_an_unverified_address_makes_no_project(open_api: Api) -> None:
    with open_api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET email_verified_at = NULL WHERE id = %s", (open_api.owner.user_id,))
    assert open_api.ask("POST", "/v1/projects", {"name": "x"}).error == (403, "email_not_verified")
    assert open_api.ask("GET", "/v1/projects").status == 200


def test_the_mail_is_sent_again_four_times_an_hour(open_api: Api) -> None:
    register(open_api)
    take(open_api.container, "ada@example.org")
    for _ in range(4):
        assert open_api.ask("POST", f"{VERIFY}/resend", {"email": "ada@example.org"}, token=None).status == 202
        secret = secret_in(take(open_api.container, "ada@example.org"))
    answer = open_api.ask("POST", f"{VERIFY}/resend", {"email": "ada@example.org"}, token=None)
    assert answer.error == (429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) > 3000
    assert open_api.ask("POST", VERIFY, {"token": secret}, token=None).status == 200


def test_who_is_verified_or_unknown_is_sent_nothing(open_api: Api) -> None:
    for email in ("nobody@example.org", f"{open_api.owner.handle}@example.com"):
        assert open_api.ask("POST", f"{VERIFY}/resend", {"email": email}, token=None).status == 202
    assert waiting(open_api.container) == []


def test_a_link_ends_after_a_day_and_is_kept_as_a_hash(open_api: Api) -> None:
    register(open_api)
    secret = secret_in(take(open_api.container, "ada@example.org"))
    with open_api.container.transactions.begin() as tx:
        assert secret.encode() not in b"".join(bytes(row[0]) for row in tx.connection.execute("SELECT sha256 FROM links").fetchall())
        tx.connection.execute("UPDATE links SET expires_at = expires_at - interval '24 hours'")
    assert open_api.ask("POST", VERIFY, {"token": secret}, token=None).error == (400, "invalid_link")


@pytest.mark.criterion("identity#links-once")
def test_of_many_who_use_one_link_one_succeeds(open_api: Api) -> None:
    register(open_api)
    secret = secret_in(take(open_api.container, "ada@example.org"))
    statuses: list[int] = []

    def one() -> None:
        statuses.append(open_api.ask("POST", VERIFY, {"token": secret}, token=None).status)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 400, 400, 400, 400, 400]
