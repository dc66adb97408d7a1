"""One's own second factor, over HTTP."""

import time
from typing import Any
from xml.etree import ElementTree as ET

import pyotp
import pytest

from canonry.core.errors import CanonryError
from canonry.core.secret import Secret
from canonry.features import accounts
from tests.support.api import Answer, Api
from tests.support.mail import take, waiting
from tests.support.signing_in import EMAIL, PASSWORD

PLACE = "/v1/me/two-factor"


def post(api: Api, step: str = "", **body: str) -> Answer:
    return api.ask("POST", f"{PLACE}{step}", body)


def sign_in(api: Api, code: str | None = None) -> str:
    container = api.container
    try:
        return accounts.sign_in(
            container.transactions, container.vault, email=EMAIL, password=Secret(PASSWORD), code=code, address=""
        ).email
    except CanonryError as error:
        return error.code


def turn_on(api: Api) -> tuple[pyotp.TOTP, list[str]]:
    app = pyotp.TOTP(post(api, password=PASSWORD).json["secret"])
    answer = post(api, "/confirm", code=app.now())
    assert answer.status == 200, answer.body
    return app, answer.json["recovery_codes"]


def later(app: pyotp.TOTP) -> str:
    """Return the code after the present one, which was used up by confirming."""
    return app.at(int(time.time()) + 30)


def events(api: Api) -> list[Any]:
    with api.container.transactions.begin() as tx:
        query = "SELECT name FROM events WHERE name LIKE 'user.second%' OR name LIKE 'user.recovery%' ORDER BY id"
        return [row[0] for row in tx.connection.execute(query).fetchall()]


def test_it_is_in_force_when_a_code_has_confirmed_it(people: Api) -> None:
    assert people.get(PLACE) == {"enabled": False, "recovery_codes_left": 0}
    begun = post(people, password=PASSWORD)
    assert begun.status == 201
    app = pyotp.parse_uri(begun.json["uri"])
    assert isinstance(app, pyotp.TOTP)
    assert (app.name, app.issuer, app.secret) == (EMAIL, "Canonry localhost", begun.json["secret"])
    assert ET.fromstring(begun.json["qr_svg"]).tag.endswith("svg")  # noqa: S314 -- our own
    assert sign_in(people) == EMAIL  # not yet in force
    assert post(people, "/confirm", code="000000" if app.now() != "000000" else "111111").error == (400, "invalid_code")
    confirmed = post(people, "/confirm", code=app.now())
    assert len(set(confirmed.json["recovery_codes"])) == 10
    assert sign_in(people) == "second_factor_required"
    assert sign_in(people, app.now()) == "invalid_code"  # it confirmed already
    assert sign_in(people, later(app)) == EMAIL
    assert people.get(PLACE) == {"enabled": True, "recovery_codes_left": 10}
    assert events(people) == ["user.second_factor_enabled"]
    assert "is on" in take(people.container, EMAIL).subject


def test_neither_secret_nor_codes_stand_readable_in_the_database(people: Api) -> None:
    app, codes = turn_on(people)
    with people.container.transactions.begin() as tx:
        for table in ("second_factors", "recovery_codes", "events", "mails"):
            rows = str(tx.connection.execute(f"SELECT * FROM {table}".encode()).fetchall())  # noqa: S608 -- our own names
            assert app.secret not in rows
            assert all(code not in rows and code.replace("-", "") not in rows for code in codes)


def test_beginning_takes_the_password(people: Api) -> None:
    assert post(people).error == (400, "password_needed")
    assert post(people, password="wrong password").error == (403, "wrong_password")


def test_without_a_password_there_is_no_second_factor(api: Api) -> None:
    assert post(api).error == (409, "no_password")


def test_one_that_is_in_force_is_not_replaced(people: Api) -> None:
    turn_on(people)
    assert post(people, password=PASSWORD).error == (409, "second_factor_on")
    assert post(people, "/confirm", code="123456").error == (409, "second_factor_not_begun")


def test_beginning_again_replaces_what_was_not_confirmed(people: Api) -> None:
    first, second = (pyotp.TOTP(post(people, password=PASSWORD).json["secret"]) for _ in range(2))
    assert post(people, "/confirm", code=first.now()).status == 400
    assert post(people, "/confirm", code=second.now()).status == 200


@pytest.mark.parametrize("proof", ["password", "code", "recovery"])
def test_it_goes_off_with_the_password_or_a_code(people: Api, proof: str) -> None:
    app, codes = turn_on(people)
    take(people.container, EMAIL)
    body = {"password": {"password": PASSWORD}, "code": {"code": later(app)}, "recovery": {"code": codes[0]}}[proof]
    assert post(people, "/disable", **body).status == 204
    assert sign_in(people) == EMAIL
    assert "is off" in take(people.container, EMAIL).subject
    assert post(people, "/disable", password=PASSWORD).error == (409, "second_factor_off")
    assert people.get(PLACE) == {"enabled": False, "recovery_codes_left": 0}
    assert events(people)[-1] == "user.second_factor_disabled"


def test_nothing_else_turns_it_off(people: Api) -> None:
    turn_on(people)
    assert post(people, "/disable").error == (400, "password_needed")
    assert post(people, "/disable", password="wrong password").error == (403, "wrong_password")
    assert post(people, "/disable", code="abcdef").error == (403, "wrong_code")
    assert people.get(PLACE)["enabled"] is True


def test_tries_of_codes_are_counted(people: Api) -> None:
    turn_on(people)
    answers = [post(people, "/disable", code="abcdefgh").error for _ in range(11)]
    assert answers == [(403, "wrong_code")] * 10 + [(429, "too_many_attempts")]


def test_new_recovery_codes_take_the_place_of_the_old(people: Api) -> None:
    _, old = turn_on(people)
    fresh = post(people, "/recovery-codes", password=PASSWORD).json["recovery_codes"]
    assert len(fresh) == 10
    assert sign_in(people, old[0]) == "invalid_code"
    assert sign_in(people, fresh[0]) == EMAIL
    assert people.get(PLACE)["recovery_codes_left"] == 9
    assert events(people)[-1] == "user.recovery_codes_renewed"


def test_before_it_is_on_there_are_no_recovery_codes(people: Api) -> None:
    post(people, password=PASSWORD)
    assert post(people, "/recovery-codes", password=PASSWORD).error == (409, "second_factor_off")
    assert waiting(people.container, EMAIL) == []
