"""Mail that waits to be sent: written in the transaction that causes it, sent by a job, so that none is lost and none sent for nothing."""

from typing import Protocol

from canonry.core.ids import new_id
from canonry.core.mail import Mail
from canonry.infra.crypto import Vault
from canonry.infra.jobs import Job
from canonry.infra.tx import Transactions, Tx

SEND = Job("mail.send", is_quick=True)


class Context(Protocol):
    """The container, as far as sending mail uses it."""

    @property
    def ports(self) -> "_Ports": ...  # noqa: D102 -- named by its type
    @property
    def transactions(self) -> Transactions: ...  # noqa: D102
    @property
    def vault(self) -> Vault: ...  # noqa: D102


class _Ports(Protocol):
    @property
    def mail(self) -> "_Mailer": ...


class _Mailer(Protocol):
    def send(self, mail: Mail) -> None: ...


def queue_mail(tx: Tx, vault: Vault, mail: Mail) -> None:
    """Send this mail when the transaction has committed. Its text is kept sealed until then: it may hold a link that signs somebody in."""
    mail_id = new_id("mail")
    tx.connection.execute(
        "INSERT INTO mails (id, recipient, subject, sealed_text) VALUES (%s, %s, %s, %s)",
        (mail_id, mail.to, mail.subject, vault.seal(mail.text, bound=f"mails {mail_id}")),
    )
    tx.enqueue(SEND, mail_id=mail_id)


def send(context: Context, mail_id: str) -> None:
    """Send what waits under this id, and forget it. Raises: Unavailable `mail_unavailable`: the job is tried again."""
    with context.transactions.begin() as tx:
        row = tx.connection.execute("SELECT recipient, subject, sealed_text FROM mails WHERE id = %s", (mail_id,)).fetchone()
    if row is None:
        return
    text = context.vault.open(bytes(row[2]), bound=f"mails {mail_id}").reveal()
    context.ports.mail.send(Mail(row[0], row[1], text))
    with context.transactions.begin() as tx:
        tx.connection.execute("DELETE FROM mails WHERE id = %s", (mail_id,))
