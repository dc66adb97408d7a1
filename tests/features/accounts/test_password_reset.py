"""A new password by mail."""

import pytest

from canonry.core.errors import CanonryError
from canonry.core.secret import Secret
from canonry.features import accounts
from tests.support.api import Api
from tests.support.mail import secret_in, take, waiting

EMAIL = "ada@example.com"
RESET = "/v1/auth/password-reset"


def ask(api: Api, email: str = EMAIL) -> int:
    return api.ask("POST", RESET, {"email": email}, token=None).status


def confirm(api: Api, secret: str, password: str = "correct horse battery") -> tuple[int, str]:
    answer = api.ask("POST", f"{RESET}/confirm", {"token": secret, "password": password}, token=None)
    return answer.status, answer.json.get("error") or answer.json["status"]


def sign_in(api: Api, password: str) -> str:
    container = api.container
    try:
        return accounts.sign_in(container.transactions, container.vault, email=EMAIL, password=Secret(password), address="").email
    except CanonryError as error:
        return error.code


def events(api: Api, name: str) -> list[dict[str, str]]:
    with api.container.transactions.begin() as tx:
        return [row[0] for row in tx.connection.execute("SELECT payload FROM events WHERE name = %s ORDER BY id", (name,)).fetchall()]


def execute(api: Api, query: str) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute(query.encode())


def test_a_link_by_mail_sets_a_password_and_ends_all_sessions(api: Api) -> None:
    assert ask(api, "Ada@example.com") == 202
    mail = take(api.container, EMAIL)
    assert "http://localhost:8080/auth/new-password?token=" in mail.text
    assert confirm(api, secret_in(mail)) == (200, "password_changed")
    assert sign_in(api, "correct horse battery") == EMAIL
    (event,) = events(api, "user.password_changed")
    assert event["user_id"] == api.owner.user_id
    assert event["by_session"] == ""
    assert "was changed" in take(api.container, EMAIL).text
    assert confirm(api, secret_in(mail)) == (400, "invalid_link")


@pytest.mark.parametrize("email", ["nobody@example.com", "bob@localhost"])
@pytest.mark.criterion("identity#tells-nothing")
def test_for_an_unknown_address_the_answer_is_the_same_and_nothing_is_sent(api: Api, email: str) -> None:
    assert ask(api, email) == 202
    assert waiting(api.container) == []


def test_four_mails_an_hour_are_the_most_and_nobody_is_told(api: Api) -> None:
    assert [ask(api) for _ in range(6)] == [202] * 6
    assert len(waiting(api.container, EMAIL)) == 4


def test_a_weak_password_leaves_the_link_good(api: Api) -> None:
    ask(api)
    secret = secret_in(take(api.container, EMAIL))
    assert confirm(api, secret, "short") == (400, "weak_password")
    assert confirm(api, secret, EMAIL) == (400, "weak_password")
    assert confirm(api, secret) == (200, "password_changed")


def test_one_link_that_was_used_ends_the_others(api: Api) -> None:
    ask(api)
    first = secret_in(take(api.container, EMAIL))
    ask(api)
    assert confirm(api, secret_in(take(api.container, EMAIL)))[0] == 200
    assert confirm(api, first) == (400, "invalid_link")


def test_an_address_that_somebody_asked_for_before_takes_the_place_of_none_after(api: Api) -> None:
    """Whoever was in an account must not keep a way back into it."""
    assert api.ask("POST", "/v1/me/email", {"email": "eve@example.com"}).status == 202
    kept = secret_in(take(api.container, "eve@example.com"))
    ask(api)
    confirm(api, secret_in(take(api.container, EMAIL)))
    assert api.ask("POST", "/v1/auth/verify-email", {"token": kept}, token=None).error == (400, "invalid_link")


@pytest.mark.criterion("identity#links-once")
def test_a_link_ends_after_an_hour(api: Api) -> None:
    ask(api)
    execute(api, "UPDATE links SET expires_at = expires_at - interval '1 hour'")
    assert confirm(api, secret_in(take(api.container, EMAIL))) == (400, "invalid_link")


def test_a_link_for_one_thing_is_none_for_another(api: Api) -> None:
    ask(api)
    secret = secret_in(take(api.container, EMAIL))
    assert api.ask("POST", "/v1/auth/verify-email", {"token": secret}, token=None).error == (400, "invalid_link")
    assert confirm(api, secret)[0] == 200


def test_whoever_was_locked_out_by_tries_gets_in_with_the_new_password(api: Api) -> None:
    for _ in range(11):
        sign_in(api, "wrong password")
    assert sign_in(api, "wrong password") == "too_many_attempts"
    ask(api)
    confirm(api, secret_in(take(api.container, EMAIL)))
    assert sign_in(api, "correct horse battery") == EMAIL


def test_whoever_registered_an_address_of_somebody_else_keeps_nothing_of_it(api: Api) -> None:
    """An account made with another's address waits for its owner; what its maker hung on it must not open it later."""
    execute(api, "UPDATE users SET email_verified_at = NULL")
    execute(api, f"INSERT INTO identities (issuer, subject, user_id, email) VALUES ('https://x', 'eve', '{api.owner.user_id}', '{EMAIL}')")  # noqa: S608
    execute(api, f"INSERT INTO second_factors (user_id, sealed_secret, confirmed_at) VALUES ('{api.owner.user_id}', '', now())")  # noqa: S608
    ask(api)
    confirm(api, secret_in(take(api.container, EMAIL)))
    assert sign_in(api, "correct horse battery") == EMAIL
    with api.container.transactions.begin() as tx:
        assert tx.connection.execute("SELECT count(*) FROM identities").fetchone() == (0,)


@pytest.mark.parametrize("secret", ["x", "a\0b", "ü" * 50, "-" * 200])
def test_a_made_up_link_is_refused(api: Api, secret: str) -> None:
    assert confirm(api, secret) == (400, "invalid_link")


def test_whoever_is_deactivated_gets_no_link_and_uses_none(api: Api) -> None:
    ask(api)
    secret = secret_in(take(api.container, EMAIL))
    execute(api, "UPDATE users SET deactivated_at = now()")
    assert ask(api) == 202
    assert waiting(api.container) == []
    assert confirm(api, secret) == (400, "invalid_link")
