"""All SQL on keys."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from psycopg.rows import class_row

from canonry.features.tokens.models import Key, KeyHolder
from canonry.infra.prepared import Prepared, Values
from canonry.infra.tx import Tx

# When something was used last is for people: one write a while, not one a request.
_HOLDER = Prepared("holder of a key", """
    SELECT k.id, k.user_id, k.organization_id, o.handle, array_to_string(k.scopes, ' '), m.role, u.is_operator,
           u.deactivated_at IS NOT NULL, k.last_used_at IS NULL OR k.last_used_at < now() - interval '5 minutes'
    FROM keys k JOIN organizations o ON o.id = k.organization_id
    JOIN members m ON m.organization_id = k.organization_id AND m.user_id = k.user_id
    JOIN users u ON u.id = k.user_id
    WHERE k.sha256 = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())""")  # fmt: skip


def insert(
    tx: Tx, *, organization_id: str, user_id: str, label: str, prefix: str, sha256: bytes, scopes: Sequence[str],
    expires_at: datetime | None,
) -> Key:  # fmt: skip
    """Add a key; only its hash is kept."""
    with tx.connection.cursor(row_factory=class_row(Key)) as cursor:
        row = cursor.execute(
            """INSERT INTO keys (organization_id, user_id, label, prefix, sha256, scopes, expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s)
               RETURNING id, label, prefix, scopes, created_at, expires_at, last_used_at""",
            (organization_id, user_id, label, prefix, sha256, list(scopes), expires_at),
        ).fetchone()
    if row is None:  # RETURNING gives the row or an error
        raise LookupError(prefix)
    return row


def holder(tx: Tx, sha256: bytes) -> KeyHolder | None:
    """Return who holds the key with that hash, if it is neither revoked nor expired and its owner is still a member."""
    row = _HOLDER.first(tx.connection, sha256)
    return None if row is None else _holder(row)


@lru_cache(maxsize=512)
def _holder(row: Values) -> KeyHolder:
    """Return what a row says: the same row says the same, and it is read anew for each request."""
    key_id, user_id, organization_id, handle, scopes, role, is_operator, is_deactivated, is_to_be_noted = (
        "" if value is None else value.decode() for value in row
    )
    return KeyHolder(
        int(key_id), user_id, organization_id, handle, tuple(scopes.split()), role,
        is_operator=is_operator == "t", is_deactivated=is_deactivated == "t", is_to_be_noted=is_to_be_noted == "t",
    )  # fmt: skip


def touch(tx: Tx, key_id: int) -> None:
    """Note that the key was used now."""
    tx.connection.execute("UPDATE keys SET last_used_at = now() WHERE id = %s", (key_id,))


def of_user(tx: Tx, organization_id: str, user_id: str) -> list[Key]:
    """Return a person's keys in an organization, newest first, those that were revoked left out."""
    with tx.connection.cursor(row_factory=class_row(Key)) as cursor:
        return cursor.execute(
            """SELECT id, label, prefix, scopes, created_at, expires_at, last_used_at FROM keys
               WHERE organization_id = %s AND user_id = %s AND revoked_at IS NULL ORDER BY id DESC""",
            (organization_id, user_id),
        ).fetchall()


def revoke(tx: Tx, organization_id: str, user_id: str, key_id: int) -> str | None:
    """Refuse a person's key from now on; return its label, None when there is none that could be refused."""
    row = tx.connection.execute(
        """UPDATE keys SET revoked_at = now() WHERE organization_id = %s AND user_id = %s AND id = %s AND revoked_at IS NULL
           RETURNING label""",
        (organization_id, user_id, key_id),
    ).fetchone()
    return row[0] if row else None


def revoke_all(tx: Tx, organization_id: str, user_id: str) -> int:
    """Refuse every key that a person has in an organization; return how many there were."""
    query = "UPDATE keys SET revoked_at = now() WHERE organization_id = %s AND user_id = %s AND revoked_at IS NULL"
    return tx.connection.execute(query, (organization_id, user_id)).rowcount


def expires_at(tx: Tx, key_id: int) -> datetime | None:
    """Return when a key ends by itself, None for never."""
    row = tx.connection.execute("SELECT expires_at FROM keys WHERE id = %s", (key_id,)).fetchone()
    return row[0] if row else None
