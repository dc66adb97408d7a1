"""The mail that waits to be sent."""

import re
from collections.abc import Iterator

from canonry.core.mail import Mail
from canonry.wiring.container import Container


def waiting(container: Container, to: str | None = None) -> list[Mail]:
    """Return the mail that waits, oldest first. to: only for that address."""
    return [mail for mail in _all(container) if to in {None, mail.to}]


def take(container: Container, to: str) -> Mail:
    """Return the one mail that waits for an address, and take it away."""
    (mail,) = waiting(container, to)
    with container.transactions.begin() as tx:
        tx.connection.execute("DELETE FROM mails WHERE recipient = %s", (to,))
    return mail


def secret_in(mail: Mail) -> str:
    """Return the secret part of the link in a mail."""
    (found,) = re.findall(r"\?token=([\w-]+)$", mail.text, re.MULTILINE)
    return str(found)


def _all(container: Container) -> Iterator[Mail]:
    with container.transactions.begin() as tx:
        rows = tx.connection.execute("SELECT id, recipient, subject, sealed_text FROM mails ORDER BY created_at, id").fetchall()
    for mail_id, recipient, subject, sealed in rows:
        yield Mail(recipient, subject, container.vault.open(bytes(sealed), bound=f"mails {mail_id}").reveal())
