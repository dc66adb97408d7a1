"""The pages behind mailed links, as a browser without JavaScript uses them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from canonry.core.secret import Secret
from canonry.features import accounts
from tests.support.api import Api, serving
from tests.support.browser import Browser
from tests.support.mail import secret_in, take, waiting
from tests.support.signing_in import EMAIL, SignIn

PASSWORD = "correct horse battery"


@pytest.fixture
def browser(api: Api) -> Browser:
    return Browser(api.connection)


@pytest.fixture
def open_api(api: Api) -> Iterator[Api]:
    with serving(replace(api.container, settings=replace(api.container.settings, open_registration=True))) as served:
        yield served


def signs_in(api: Api, email: str, password: str = PASSWORD) -> bool:
    container = api.container
    return accounts.sign_in(container.transactions, container.vault, email=email, password=Secret(password), address="").email == email


def test_a_forgotten_password_is_replaced(people: Api) -> None:
    api, browser = people, Browser(people.connection)
    assert "/auth/forgotten" in browser.get("/auth/login").text
    asked = browser.submit(browser.get("/auth/forgotten").form("/auth/forgotten"), email=EMAIL)
    unknown = browser.submit(browser.get("/auth/forgotten").form("/auth/forgotten"), email="nobody@example.com")
    assert (asked.status, asked.text) == (200, unknown.text)
    place = f"/auth/new-password?token={secret_in(take(api.container, EMAIL))}"
    form = browser.get(place).form("/auth/new-password")
    weak = browser.submit(form, password="short")
    assert (weak.status, "role=alert" in weak.text) == (400, True)
    assert browser.submit(weak.form("/auth/new-password"), password=PASSWORD).status == 200
    assert signs_in(api, EMAIL)
    assert browser.get(place).status == 400


def test_opening_a_link_changes_nothing(open_api: Api) -> None:
    browser = Browser(open_api.connection)
    form = browser.get("/auth/sign-up").form("/auth/sign-up")
    assert browser.submit(form, email="ada@example.org", password=PASSWORD, name="Ada").status == 200
    place = f"/auth/confirm-email?token={secret_in(take(open_api.container, 'ada@example.org'))}"
    for _ in range(2):
        assert browser.get(place).status == 200
    assert browser.submit(browser.get(place).form("/auth/confirm-email")).status == 200
    assert browser.get(place).status == 400
    assert signs_in(open_api, "ada@example.org")


def test_what_is_wrong_with_a_new_account_is_said_on_the_page(open_api: Api) -> None:
    browser = Browser(open_api.connection)
    form = browser.get("/auth/sign-up").form("/auth/sign-up")
    seen = browser.submit(form, email='"><script>x</script>', password=PASSWORD)
    assert (seen.status, "<script>" in seen.text) == (400, False)
    assert browser.submit(form, email="ada@example.org", password="short").status == 400


def test_where_registration_is_closed_there_is_no_such_page(browser: Browser) -> None:
    assert browser.get("/auth/sign-up").status == 403


class TestInvitation:
    def invite(self, api: Api, email: str) -> str:
        assert api.ask("POST", "/v1/organizations/ada/invitations", {"email": email}).status == 201
        return f"/auth/invitation?token={secret_in(take(api.container, email))}"

    def test_whoever_has_no_account_makes_one_and_is_a_member(self, api: Api, browser: Browser) -> None:
        place = self.invite(api, "new@example.com")
        form = browser.get(place).form("/auth/invitation")
        weak = browser.submit(form, password="short", name="New")
        assert (weak.status, weak.form("/auth/invitation").fields["name"]) == (400, "New")
        assert browser.submit(form, password=PASSWORD, name="New").status == 200
        assert signs_in(api, "new@example.com")
        assert "new@example.com" in str(api.get("/v1/organizations/ada/members"))
        assert browser.get(place).status == 400

    def test_whoever_has_one_signs_in_and_comes_back(self, people: Api, sign_in: SignIn) -> None:
        other = people.somebody()
        email = f"{other.handle}@example.com"
        accounts.set_password(people.container.transactions, other.user_id, Secret("a long enough password"))
        place = self.invite(people, email)
        seen = Browser(people.connection).get(place)
        assert "/auth/login?next=%2Fauth%2Finvitation%3Ftoken%3D" in seen.text
        browser = sign_in(email)
        assert browser.submit(browser.get(place).form("/auth/invitation")).status == 200
        assert email in str(people.get("/v1/organizations/ada/members"))

    def test_whoever_is_somebody_else_is_told(self, people: Api, sign_in: SignIn) -> None:
        place = self.invite(people, "new@example.com")
        browser = sign_in()
        assert browser.get(place).status == 403
        assert browser.ask("POST", "/auth/invitation", form={"token": place.rpartition("=")[2]}).status == 403

    def test_another_site_can_accept_nothing(self, api: Api, browser: Browser) -> None:
        secret = self.invite(api, "new@example.com").rpartition("=")[2]
        form = {"token": secret, "password": PASSWORD}
        seen = browser.ask("POST", "/auth/invitation", form=form, headers={"Sec-Fetch-Site": "same-site"})
        assert seen.status == 403
        assert waiting(api.container) == []


@pytest.mark.parametrize("page", ["confirm-email", "new-password", "invitation"])
@pytest.mark.parametrize("token", ["", "x", "%00", "a" * 200])
def test_a_bad_link_says_so(browser: Browser, page: str, token: str) -> None:
    seen = browser.get(f"/auth/{page}?token={token}")
    assert (seen.status, "Ask for a" in seen.text) == (400, True)
