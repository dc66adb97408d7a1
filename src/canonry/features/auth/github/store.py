"""All SQL on the identities of people at git hosts."""

from psycopg.rows import class_row

from canonry.features.auth.models import GitIdentity
from canonry.infra.tx import Tx


def put(tx: Tx, identity: GitIdentity, sealed_token: bytes) -> None:
    """Link a person to an account, in place of the one before."""
    tx.connection.execute(
        """INSERT INTO git_identities (user_id, host, subject, login, name, sealed_token) VALUES (%s, %s, %s, %s, %s, %s)
           ON CONFLICT (user_id, host) DO UPDATE SET subject = excluded.subject, login = excluded.login, name = excluded.name,
           sealed_token = excluded.sealed_token, created_at = now()""",
        (identity.user_id, identity.host, identity.subject, identity.login, identity.name, sealed_token),
    )


def find(tx: Tx, user_id: str, host: str) -> GitIdentity | None:
    """Return the account a person is linked to."""
    with tx.connection.cursor(row_factory=class_row(GitIdentity)) as cursor:
        return cursor.execute(
            "SELECT user_id, host, subject, login, name FROM git_identities WHERE user_id = %s AND host = %s", (user_id, host)
        ).fetchone()


def users_of(tx: Tx, host: str, subject: str) -> list[str]:
    """Return the people who are linked to an account."""
    rows = tx.connection.execute(
        "SELECT user_id FROM git_identities WHERE host = %s AND subject = %s ORDER BY user_id", (host, subject)
    ).fetchall()
    return [row[0] for row in rows]


def sealed_token(tx: Tx, user_id: str, host: str) -> bytes | None:
    """Return the sealed token of that link."""
    row = tx.connection.execute("SELECT sealed_token FROM git_identities WHERE user_id = %s AND host = %s", (user_id, host)).fetchone()
    return bytes(row[0]) if row else None


def delete(tx: Tx, user_id: str, host: str) -> None:
    """Undo the link."""
    tx.connection.execute("DELETE FROM git_identities WHERE user_id = %s AND host = %s", (user_id, host))
