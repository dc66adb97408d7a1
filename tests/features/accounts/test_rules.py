"""Passwords, handles and addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import Conflict, Invalid
from canonry.core.mail import parse_address
from canonry.features.accounts.rules import HANDLE, RESERVED_HANDLES, check_handle, check_password, derive_handle


@pytest.mark.parametrize(
    "password",
    ["", "123456789", "a" * 10, "ababababab", "Password123", "QWERTYUIOP", "ada@example.com", "ADA@example.com", "x1y2" * 51],
)
def test_a_password_that_is_soon_guessed_is_refused(password: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_password(password, "ada@example.com")
    assert caught.value.code == "weak_password"
    assert caught.value.issues[0].path == "body.password"
    assert password not in str(caught.value) or len(password) < 4


@pytest.mark.parametrize("password", ["0 words will do", "пароль-длинный", "x1y2" * 50, " spaces around them "])
def test_other_passwords_are_taken_as_they_are(password: str) -> None:
    assert check_password(password, "ada@example.com") == password


def test_the_same_letters_are_the_same_password_however_a_keyboard_makes_them() -> None:
    assert check_password("Gru\u0308ße an alle", "a@b.c") == check_password("Gr\u00fcße an alle", "a@b.c")


@pytest.mark.parametrize("handle", ["ab", "a" * 41, "-ab", "ab-", "Abc", "a_b", "a.b", "äbc", "a b", "abc\n", ""])
def test_a_handle_has_its_form(handle: str) -> None:
    with pytest.raises(Invalid, match="3 to 40"):
        check_handle(handle)


@pytest.mark.parametrize(
    "handle", ["admin", "api", "no-org", "choose-org", "setup", "auth", "git", "app", "webhook", "webhooks", "healthz", "readyz"]
)
def test_a_handle_that_is_an_address_of_ours_is_reserved(handle: str) -> None:
    with pytest.raises(Conflict, match="reserved"):
        check_handle(handle)


@given(st.text(max_size=60), st.integers(1, 3))
def test_a_derived_handle_may_always_be_used(text: str, attempt: int) -> None:
    handle = derive_handle(text, attempt)
    assert HANDLE.fullmatch(handle)
    assert handle not in RESERVED_HANDLES
    assert check_handle(handle) == handle


@pytest.mark.parametrize("text", ["ada@example.com", " Ada@Example.COM\n", "a.b+c@sub.example.co", "root@localhost", "o'hara@x.ie"])
def test_addresses_are_taken_in_lower_case(text: str) -> None:
    assert parse_address(text) == text.strip().lower()


@pytest.mark.parametrize(
    "text",
    ["", "ada", "@x.com", "ada@", "a@b@c.com", "a b@x.com", "a@x..com", "a@-x.com", "a@x.com\r\nBcc: b@y.com", "a\0@x.com",
     ".a@x.com", "a..b@x.com", '"a b"@x.com', "a@x.com,b@y.com", "<a@x.com>", "ä@x.com", "a" * 65 + "@x.com",
     "a@" + "x" * 250 + ".com", "a@x_y.com"],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_address(text)
    assert (caught.value.code, caught.value.issues[0].path) == ("invalid_email", "body.email")


@given(st.text(max_size=40).map("{}@x.com".format) | st.text(max_size=40))
def test_an_address_that_passes_can_stand_in_a_header(text: str) -> None:
    try:
        address = parse_address(text)
    except Invalid:
        return
    assert address.isascii()
    assert address.isprintable()
    assert not set(' <>",;\\') & set(address)
