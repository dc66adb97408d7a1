"""Mail over SMTP, each message over a connection of its own: mail is rare, and a connection that is kept grows stale."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.policy import SMTP
from email.utils import parseaddr

from canonry.core.errors import CanonryError, Invalid, Unavailable
from canonry.core.mail import Mail
from canonry.core.smtp import SmtpServer, Tls
from canonry.infra.messages import compose, domain_of

_TIMEOUT = 20.0  # seconds for each step
_HINT = "Look at CANONRY_SMTP_URL and at the mail server. Canonry tries again."


class SmtpMailer:
    """Hands messages to one mail server. A certificate that does not fit the server's name is refused."""

    def __init__(self, server: SmtpServer, sender: str) -> None:
        self._server = server
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Hand the message over. Raises: Unavailable `mail_unavailable`, Invalid `mail_refused`."""
        message = compose(mail, self._sender)
        try:
            with self._session() as session:
                session.sendmail(parseaddr(self._sender)[1], [str(message["To"])], message.as_bytes(policy=SMTP))
        except smtplib.SMTPRecipientsRefused as error:
            code, reason = next(iter(error.recipients.values()))
            raise self._refused(mail.to, code, reason, "Correct the address.") from error
        except smtplib.SMTPSenderRefused as error:
            raise self._refused(mail.to, error.smtp_code, error.smtp_error, "Look at CANONRY_MAIL_FROM.") from error
        except smtplib.SMTPDataError as error:
            raise self._refused(mail.to, error.smtp_code, error.smtp_error, "Ask who runs the mail server.") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(
                "mail_unavailable", f"The mail server {self._name} does not take mail: {_reason(error)}.", hint=_HINT
            ) from error

    @property
    def _name(self) -> str:
        return f"{self._server.host}:{self._server.port}"

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        server, me = self._server, domain_of(self._sender)
        if server.tls is Tls.FROM_THE_START:
            context = ssl.create_default_context()
            session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, local_hostname=me, timeout=_TIMEOUT, context=context)
        else:
            session = smtplib.SMTP(server.host, server.port, local_hostname=me, timeout=_TIMEOUT)
        try:
            if server.tls is Tls.STARTTLS:
                session.starttls(context=ssl.create_default_context())
            if server.user is not None and server.password is not None:
                session.login(server.user, server.password.reveal())
            yield session
            _say_goodbye(session)
        finally:
            session.close()

    def _refused(self, to: str, code: int, reason: bytes | str, hint: str) -> CanonryError:
        text = f"The mail server {self._name} refuses the mail to {to}: {code} {_text(reason)}"
        return Invalid("mail_refused", text, hint=hint) if 500 <= code < 600 else Unavailable("mail_unavailable", text, hint=_HINT)


def _say_goodbye(session: smtplib.SMTP) -> None:
    """The message is theirs already: what goes wrong now must not send it once more."""
    try:
        session.quit()
    except (smtplib.SMTPException, OSError):
        return


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _text(reason: bytes | str) -> str:
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    return " ".join(text.split())[:200]
