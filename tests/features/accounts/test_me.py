"""A person's own name, address and password."""

import json
from typing import Any

import pytest

from canonry.core.access import Role, Scope
from canonry.core.errors import CanonryError
from canonry.core.secret import Secret
from canonry.features import accounts
from tests.support.api import Api
from tests.support.mail import secret_in, take, waiting
from tests.support.people import member
from tests.support.signing_in import EMAIL, PASSWORD, SignIn, work

OTHER = "another long password"


def sign_in_as(api: Api, email: str, password: str) -> str:
    try:
        container = api.container
        return accounts.sign_in(container.transactions, container.vault, email=email, password=Secret(password), address="").email
    except CanonryError as error:
        return error.code


def change_password(api: Api, **body: str) -> Any:  # noqa: ANN401
    return api.ask("POST", "/v1/me/password", body)


def test_it_says_whom_a_credential_speaks_for(api: Api) -> None:
    me = api.get("/v1/me")
    assert me["user"] == {"id": api.owner.user_id, "email": EMAIL, "name": "ada", "email_verified": True}
    assert (me["account"]["handle"], me["role"]) == ("ada", "owner")


def test_somebody_in_no_organization_is_still_somebody(people: Api, sign_in: SignIn) -> None:
    browser = sign_in()
    with people.container.transactions.begin() as tx:
        tx.connection.execute("DELETE FROM members")
    seen = browser.get("/v1/me")
    assert (seen.status, '"account":null' in seen.text) == (200, True)
    assert browser.get("/v1/projects").status == 403


def test_a_name_changes(api: Api) -> None:
    assert api.ask("PATCH", "/v1/me", {"name": " Ada  Lovelace "}).json["user"]["name"] == "Ada Lovelace"
    assert api.ask("PATCH", "/v1/me", {"name": "  "}).error == (400, "invalid_name")
    assert api.ask("PATCH", "/v1/me", {"email": "x@y.z"}).error == (400, "validation_failed")


def test_a_viewer_may_change_themselves_but_not_with_a_read_token(api: Api) -> None:
    viewer = member(api, Role.VIEWER, "grace")
    assert api.ask("PATCH", "/v1/me", {"name": "Grace"}, token=viewer.tokens[Scope.ADMIN]).status == 200
    for scope in (Scope.READ, Scope.DEPLOY):
        assert api.ask("PATCH", "/v1/me", {"name": "x"}, token=viewer.tokens[scope]).error == (403, "insufficient_scope")
        for path in ("/v1/me/password", "/v1/me/email"):
            body = {"new_password": OTHER} if path.endswith("password") else {"email": "x@example.com"}
            assert api.ask("POST", path, body, token=viewer.tokens[scope]).error == (403, "insufficient_scope")


class TestPassword:
    def test_the_first_needs_no_present_one(self, api: Api) -> None:
        assert change_password(api, new_password=PASSWORD).status == 200
        assert sign_in_as(api, EMAIL, PASSWORD) == EMAIL

    def test_another_needs_the_present_one(self, people: Api) -> None:
        assert change_password(people, new_password=OTHER).error == (400, "password_needed")
        assert change_password(people, new_password=OTHER, current_password="wrong password").error == (403, "wrong_password")
        assert change_password(people, new_password="short", current_password=PASSWORD).error == (400, "weak_password")
        assert change_password(people, new_password=OTHER, current_password=PASSWORD).json == {"status": "password_changed"}
        assert sign_in_as(people, EMAIL, PASSWORD) == "invalid_credentials"
        assert sign_in_as(people, EMAIL, OTHER) == EMAIL
        assert "was changed" in take(people.container, EMAIL).subject

    def test_every_other_session_ends(self, people: Api, sign_in: SignIn) -> None:
        work(people)  # what the first password caused
        mine, other = sign_in(), sign_in()
        headers = {"Content-Type": "application/json", "X-CSRF-Token": json.loads(mine.get("/v1/auth/session").text)["csrf_token"]}
        body = json.dumps({"current_password": PASSWORD, "new_password": OTHER}).encode()
        assert mine.ask("POST", "/v1/me/password", body=body, headers=headers).status == 200
        work(people)
        assert (mine.get("/v1/me").status, other.get("/v1/me").status) == (200, 401)

    def test_tries_are_counted_with_those_of_signing_in(self, people: Api) -> None:
        for _ in range(10):
            assert change_password(people, new_password=OTHER, current_password="wrong password").status == 403
        assert change_password(people, new_password=OTHER, current_password=PASSWORD).error == (429, "too_many_attempts")
        assert sign_in_as(people, EMAIL, PASSWORD) == "too_many_attempts"

    def test_a_link_that_was_asked_for_before_is_good_no_more(self, people: Api) -> None:
        people.ask("POST", "/v1/auth/password-reset", {"email": EMAIL}, token=None)
        secret = secret_in(take(people.container, EMAIL))
        change_password(people, new_password=OTHER, current_password=PASSWORD)
        answer = people.ask("POST", "/v1/auth/password-reset/confirm", {"token": secret, "password": "a third password"}, token=None)
        assert answer.error == (400, "invalid_link")


class TestEmail:
    def ask(self, api: Api, email: str, password: str | None = PASSWORD) -> Any:  # noqa: ANN401
        return api.ask("POST", "/v1/me/email", {"email": email} | ({"password": password} if password else {}))

    def test_a_new_address_counts_when_it_is_verified(self, people: Api) -> None:
        assert self.ask(people, "Lovelace@example.com").status == 202
        mail = take(people.container, "lovelace@example.com")
        assert people.get("/v1/me")["user"]["email"] == EMAIL
        verified = people.ask("POST", "/v1/auth/verify-email", {"token": secret_in(mail)}, token=None)
        assert verified.json == {"verified": True, "email": "lovelace@example.com"}
        assert people.get("/v1/me")["user"]["email"] == "lovelace@example.com"
        assert "lovelace@example.com" in take(people.container, EMAIL).text
        with people.container.transactions.begin() as tx:
            row = tx.connection.execute("SELECT before, after FROM events WHERE name = 'user.email_changed'").fetchone()
        assert row == ({"email": EMAIL}, {"email": "lovelace@example.com"})

    def test_it_needs_the_password(self, people: Api) -> None:
        assert self.ask(people, "x@example.com", None).error == (400, "password_needed")
        assert self.ask(people, "x@example.com", "wrong password").error == (403, "wrong_password")
        assert waiting(people.container) == []

    def test_whose_an_address_is_is_not_told(self, people: Api) -> None:
        other = people.somebody()
        assert self.ask(people, f"{other.handle}@example.com").status == 202
        assert waiting(people.container) == []

    def test_an_address_that_is_taken_meanwhile_is_a_conflict(self, people: Api) -> None:
        self.ask(people, "other-0@example.com")
        secret = secret_in(take(people.container, "other-0@example.com"))
        people.somebody()
        assert people.ask("POST", "/v1/auth/verify-email", {"token": secret}, token=None).error == (409, "email_taken")

    def test_only_the_last_link_counts(self, people: Api) -> None:
        self.ask(people, "first@example.com")
        self.ask(people, "second@example.com")
        secret = secret_in(take(people.container, "first@example.com"))
        assert people.ask("POST", "/v1/auth/verify-email", {"token": secret}, token=None).error == (400, "invalid_link")

    @pytest.mark.parametrize("email", ["x", "x@", "x@y\0z"])
    def test_what_is_no_address_is_refused(self, people: Api, email: str) -> None:
        assert self.ask(people, email).status == 400

    def test_four_an_hour_are_the_most(self, people: Api) -> None:
        answers = [self.ask(people, f"x{number}@example.com").status for number in range(5)]
        assert answers == [202, 202, 202, 202, 429]
