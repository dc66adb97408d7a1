"""The address of a mail server, as a setting."""

import pytest

from canonry.core.errors import Invalid
from canonry.core.secret import Secret
from canonry.core.settings import read_settings
from canonry.core.smtp import Tls, parse_smtp_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 25, Tls.NONE, None)),
        ("smtp://mail.example.com?starttls=1", ("mail.example.com", 587, Tls.STARTTLS, None)),
        ("smtp://ada:x@mail.example.com:2525/?starttls=1", ("mail.example.com", 2525, Tls.STARTTLS, "ada")),
        ("smtps://a%40b:x@mail.example.com", ("mail.example.com", 465, Tls.FROM_THE_START, "a@b")),
        ("smtp://ada:x@127.0.0.1:25", ("127.0.0.1", 25, Tls.NONE, "ada")),
        ("smtp://[::1]:26?starttls=0", ("::1", 26, Tls.NONE, None)),
    ],
)
def test_its_parts(url: str, expected: tuple[str, int, Tls, str | None]) -> None:
    server = parse_smtp_url(Secret(url))
    assert (server.host, server.port, server.tls, server.user) == expected


@pytest.mark.parametrize(
    "url",
    ["mail.example.com", "http://x", "smtp://", "smtp://x/path", "smtp://x?tls=1", "smtp://x?starttls=yes", "smtps://x?starttls=1",
     "smtp://ada@x", "smtp://ada:geheim@mail.example.com", "smtp://x:99999", "smtp://ada:ge/heim@x", "smtp://x#y"],
)  # fmt: skip
def test_what_it_cannot_be_is_said_at_the_start_without_the_password(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_settings({"CANONRY_SMTP_URL": url})
    assert caught.value.code == "invalid_setting"
    assert "CANONRY_SMTP_URL" in caught.value.message
    assert "heim" not in str(caught.value)


@pytest.mark.parametrize("sender", ["canonry", "Canonry canonry@example.com", "a@b\nBcc: c@d", "<>"])
def test_mail_comes_from_an_address(sender: str) -> None:
    with pytest.raises(Invalid, match="CANONRY_MAIL_FROM"):
        read_settings({"CANONRY_MAIL_FROM": sender})
    assert read_settings({"CANONRY_MAIL_FROM": "Canonry <c@example.com>"}).mail_from == "Canonry <c@example.com>"
