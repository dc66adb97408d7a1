"""A mail as a message for the wire, the same for every way of sending it."""

from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from canonry.core.errors import Invalid
from canonry.core.mail import Mail, parse_address

_LINE = 900  # characters that any server takes in one line


def compose(mail: Mail, sender: str) -> EmailMessage:
    """Return the message. Nothing in the mail can add a header or a recipient.

    Raises: Invalid `mail_refused` for an address that is not exactly one, and for a subject of several lines.
    """
    message = EmailMessage()
    try:
        to = parse_address(mail.to)
        message["From"] = sender
        message["To"] = to
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=domain_of(sender))
        message["Auto-Submitted"] = "auto-generated"
        plain = mail.text.isascii() and max(map(len, mail.text.splitlines()), default=0) <= _LINE
        message.set_content(mail.text, cte="7bit" if plain else "quoted-printable")
    except (Invalid, ValueError) as error:
        raise Invalid("mail_refused", f"A mail to {mail.to!r} cannot be written: {error}", hint="Correct the address.") from error
    return message


def domain_of(sender: str) -> str:
    """Return the domain of an address, with or without a name before it."""
    return sender.rpartition("@")[2].strip(" >") or "localhost"
