"""The contract of `ports.mail.Mailer`, over every adapter; and what only SMTP can meet."""

import email
import email.policy
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from canonry.adapters.mail.folder import FolderMailer
from canonry.adapters.mail.memory import MemoryMailer
from canonry.adapters.mail.smtp import SmtpMailer
from canonry.core.errors import CanonryError, Invalid, Unavailable
from canonry.core.mail import Mail
from canonry.core.secret import Secret
from canonry.core.smtp import parse_smtp_url
from canonry.infra.messages import compose
from canonry.ports.mail import Mailer
from tests.support.smtp import make_certificate, smtp_server

SENDER = "Canonry <canonry@example.com>"
MAIL = Mail("ada@example.com", "Confirm your address", "Open:\n\nhttp://localhost/auth/confirm-email?token=abc\n")


@dataclass
class Bench:
    """One adapter under test. arrived: what has come to whom, as it came."""

    mailer: Mailer
    arrived: Callable[[], list[EmailMessage]]


def parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content.replace(b"\r\n", b"\n"), policy=email.policy.default)


def bench_smtp(port: int, options: str = "") -> SmtpMailer:
    return SmtpMailer(parse_smtp_url(Secret(f"smtp://127.0.0.1:{port}{options}")), SENDER)


@pytest.fixture(params=["memory", "folder", "smtp"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "memory":
        memory = MemoryMailer()
        yield Bench(memory, lambda: [parsed(compose(mail, SENDER).as_bytes()) for mail in memory.sent])
    elif request.param == "folder":
        folder = tmp_path / "mail"
        yield Bench(FolderMailer(folder, SENDER), lambda: [parsed(path.read_bytes()) for path in sorted(folder.glob("*"))])
    else:
        with smtp_server() as post:

            def arrived() -> list[EmailMessage]:
                assert all(message["To"] == ", ".join(recipients) for recipients, content in post.got for message in [parsed(content)])
                return [parsed(content) for _, content in post.got]

            yield Bench(bench_smtp(post.port), arrived)


class TestEveryMailer:
    def test_a_message_arrives_whole(self, bench: Bench) -> None:
        bench.mailer.send(MAIL)
        (message,) = bench.arrived()
        assert (message["To"], message["Subject"], message["From"]) == (MAIL.to, MAIL.subject, SENDER)
        assert message.get_content() == MAIL.text
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Message-ID"].endswith("@example.com>")
        assert message["Date"]

    def test_other_alphabets_and_long_lines_arrive(self, bench: Bench) -> None:
        mail = Mail("ada@example.com", "Grüße aus Köln \N{SMILING FACE WITH SUNGLASSES}" * 4, f"Größe\n.\n..\nFrom here\n{'x' * 3000}\n")
        bench.mailer.send(mail)
        (message,) = bench.arrived()
        assert message["Subject"] == mail.subject
        assert message.get_content() == mail.text

    def test_messages_come_in_order(self, bench: Bench) -> None:
        for number in range(3):
            bench.mailer.send(Mail(MAIL.to, f"number {number}", MAIL.text))
        assert [message["Subject"] for message in bench.arrived()] == ["number 0", "number 1", "number 2"]

    @pytest.mark.parametrize(
        "mail",
        [
            Mail("ada@example.com", "x\r\nBcc: eve@example.com", "t"),
            Mail("ada@example.com", "x\nBcc: eve@example.com", "t"),
            Mail("ada@example.com\r\nBcc: eve@example.com", "x", "t"),
            Mail("ada@example.com, eve@example.com", "x", "t"),
            Mail("ada@example.com> RCPT TO:<eve@example.com", "x", "t"),
            Mail("Ada <ada@example.com>", "x", "t"),
            Mail("ada@example.com\r\nDATA", "x", "t"),
            Mail("", "x", "t"),
        ],
    )
    def test_nothing_in_a_mail_adds_a_header_or_a_recipient(self, bench: Bench, mail: Mail) -> None:
        with pytest.raises(Invalid) as caught:
            bench.mailer.send(mail)
        assert caught.value.code == "mail_refused"
        assert bench.arrived() == []

    def test_a_text_that_looks_like_the_end_of_a_message_is_text(self, bench: Bench) -> None:
        text = "one\n.\nMAIL FROM:<eve@example.com>\nRCPT TO:<eve@example.com>\nDATA\nSubject: x\n\ntwo\n"
        bench.mailer.send(Mail(MAIL.to, "x", text))
        (message,) = bench.arrived()
        assert message.get_content() == text


def refusal(mailer: Mailer, mail: Mail = MAIL) -> CanonryError:
    with pytest.raises(CanonryError) as caught:
        mailer.send(mail)
    return caught.value


class TestSmtp:
    def test_a_recipient_that_never_will_be_there_is_refused(self) -> None:
        with smtp_server() as post:
            post.replies["ada@example.com"] = "550 no such user"
            error = refusal(bench_smtp(post.port))
        assert isinstance(error, Invalid)
        assert (error.code, "no such user" in error.message) == ("mail_refused", True)

    @pytest.mark.parametrize("when", ["recipient", "message"])
    def test_not_now_is_tried_again(self, when: str) -> None:
        with smtp_server() as post:
            if when == "recipient":
                post.replies["ada@example.com"] = "451 greylisted"
            else:
                post.end_reply = "452 full"
            error = refusal(bench_smtp(post.port))
        assert isinstance(error, Unavailable)
        assert error.code == "mail_unavailable"

    def test_a_message_that_is_never_taken_is_refused(self) -> None:
        with smtp_server() as post:
            post.end_reply = "554 spam"
            assert isinstance(refusal(bench_smtp(post.port)), Invalid)

    def test_a_server_that_is_not_there_is_tried_again(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            error = refusal(bench_smtp(unused.getsockname()[1]))
        assert isinstance(error, Unavailable)

    @pytest.mark.parametrize("implicit", [False, True])
    def test_tls_works_with_a_certificate_that_is_trusted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, implicit: bool
    ) -> None:  # fmt: skip
        certificate = make_certificate(tmp_path / "cert.pem", "localhost")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with smtp_server(certificate=certificate, implicit=implicit, login=("ada", "p@ss/word")) as post:
            scheme, option = ("smtps", "") if implicit else ("smtp", "?starttls=1")
            url = f"{scheme}://ada:p%40ss%2Fword@localhost:{post.port}{option}"
            SmtpMailer(parse_smtp_url(Secret(url)), SENDER).send(MAIL)
        assert len(post.got) == 1

    @pytest.mark.parametrize("implicit", [False, True])
    @pytest.mark.parametrize("fault", ["unknown", "other name"])
    def test_tls_with_another_certificate_sends_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, *, implicit: bool
    ) -> None:  # fmt: skip
        certificate = make_certificate(tmp_path / "cert.pem", "localhost" if fault == "unknown" else "mail.example.com")
        if fault == "other name":
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with smtp_server(certificate=certificate, implicit=implicit) as post:
            url = f"smtps://localhost:{post.port}" if implicit else f"smtp://localhost:{post.port}?starttls=1"
            error = refusal(SmtpMailer(parse_smtp_url(Secret(url)), SENDER))
        assert isinstance(error, Unavailable)
        assert "certificate" in error.message.lower()
        assert post.got == []

    def test_a_server_without_starttls_gets_nothing_unprotected(self) -> None:
        with smtp_server() as post:
            error = refusal(bench_smtp(post.port, "?starttls=1"))
        assert isinstance(error, Unavailable)
        assert post.got == []

    def test_a_wrong_password_is_told_without_it(self) -> None:
        with smtp_server(login=("ada", "right")) as post:
            mailer = SmtpMailer(parse_smtp_url(Secret(f"smtp://ada:wrong-one@127.0.0.1:{post.port}")), SENDER)
            error = refusal(mailer)
        assert isinstance(error, Unavailable)
        assert "wrong-one" not in f"{error}"
