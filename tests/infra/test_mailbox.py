"""Mail that waits to be sent."""

import email
import email.policy
from pathlib import Path

import psycopg
import pytest

from canonry.adapters.mail.folder import FolderMailer
from canonry.adapters.mail.memory import MemoryMailer
from canonry.core.mail import Mail
from canonry.infra.mailbox import queue_mail, send
from canonry.infra.tx import Tx
from canonry.wiring.container import Container

MAIL = Mail("ada@example.com", "Grüße", "Open http://localhost/reset?token=geheim\n")


def _queued(container: Container) -> str:
    with container.transactions.begin() as tx:
        queue_mail(tx, container.vault, MAIL)
        row = tx.connection.execute("SELECT id, sealed_text FROM mails").fetchone()
    assert row is not None
    assert b"geheim" not in bytes(row[1])
    return str(row[0])


def _queue_and_fail(container: Container, tx: Tx) -> None:
    queue_mail(tx, container.vault, MAIL)
    tx.connection.execute("SELECT 1/0")


def test_it_is_sent_once_and_then_forgotten(container: Container) -> None:
    mail_id = _queued(container)
    send(container, mail_id)
    send(container, mail_id)
    assert isinstance(container.ports.mail, MemoryMailer)
    assert container.ports.mail.sent == [MAIL]


def test_what_is_rolled_back_is_not_sent(container: Container) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), container.transactions.begin() as tx:
        _queue_and_fail(container, tx)
    with container.transactions.begin() as tx:
        assert tx.connection.execute("SELECT count(*) FROM mails").fetchone() == (0,)
        assert tx.connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)


@pytest.mark.criterion("identity#mail-in-folder")
def test_without_a_mail_server_it_lies_in_a_folder(tmp_path: Path) -> None:
    FolderMailer(tmp_path / "mail", "canonry@example.com").send(MAIL)
    (path,) = (tmp_path / "mail").iterdir()
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert (message["To"], message["Subject"], message["From"]) == ("ada@example.com", "Grüße", "canonry@example.com")
    assert message.get_content() == MAIL.text
    assert path.stat().st_mode & 0o777 == 0o600
