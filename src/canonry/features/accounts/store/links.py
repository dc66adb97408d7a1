"""All SQL on single-use links."""

from psycopg.rows import class_row

from canonry.features.accounts.models import Link
from canonry.infra.tx import Tx


def insert(tx: Tx, sha256: bytes, link: Link, seconds: int) -> None:
    """Add a link that is good for so many seconds."""
    tx.connection.execute(
        "INSERT INTO links (sha256, user_id, purpose, email, expires_at) VALUES (%s, %s, %s, %s, now() + make_interval(secs => %s))",
        (sha256, link.user_id, link.purpose, link.email, seconds),
    )


def find(tx: Tx, sha256: bytes) -> Link | None:
    """Return a link that is still good."""
    with tx.connection.cursor(row_factory=class_row(Link)) as cursor:
        query = "SELECT user_id, purpose, email FROM links WHERE sha256 = %s AND expires_at > now()"
        return cursor.execute(query, (sha256,)).fetchone()


def take(tx: Tx, sha256: bytes) -> Link | None:
    """Return a link that is still good and use it up: of many who ask at once, one gets it."""
    with tx.connection.cursor(row_factory=class_row(Link)) as cursor:
        query = "DELETE FROM links WHERE sha256 = %s AND expires_at > now() RETURNING user_id, purpose, email"
        return cursor.execute(query, (sha256,)).fetchone()


def forget(tx: Tx, user_id: str, *purposes: str) -> None:
    """Delete a person's links of these purposes."""
    tx.connection.execute("DELETE FROM links WHERE user_id = %s AND purpose = ANY(%s)", (user_id, list(purposes)))


def forget_expired(tx: Tx) -> None:
    """Delete links that are good for nothing any more."""
    tx.connection.execute("DELETE FROM links WHERE expires_at < now()")
