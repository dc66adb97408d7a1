"""All SQL on tokens."""

from psycopg.rows import class_row

from canonry.features.tokens.models import TokenHolder
from canonry.infra.tx import Tx


def insert(tx: Tx, *, token_id: str, organization_id: str, user_id: str, name: str, prefix: str, sha256: bytes, scope: str) -> None:
    """Add a token; only its hash is kept."""
    tx.connection.execute(
        "INSERT INTO tokens (id, organization_id, user_id, name, prefix, sha256, scope) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (token_id, organization_id, user_id, name, prefix, sha256, scope),
    )


def holder(tx: Tx, sha256: bytes) -> TokenHolder | None:
    """Return who holds the token with that hash, if it is neither revoked nor expired and its owner is still a member."""
    with tx.connection.cursor(row_factory=class_row(TokenHolder)) as cursor:
        return cursor.execute(
            """SELECT t.id AS token_id, t.user_id, t.organization_id, o.handle, t.scope, m.role, u.is_operator,
                      u.deactivated_at, t.project_id, t.last_used_at
               FROM tokens t JOIN organizations o ON o.id = t.organization_id
               JOIN members m ON m.organization_id = t.organization_id AND m.user_id = t.user_id
               JOIN users u ON u.id = t.user_id
               WHERE t.sha256 = %s AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())""",
            (sha256,),
        ).fetchone()


def touch(tx: Tx, token_id: str) -> None:
    """Note that the token was used now."""
    tx.connection.execute("UPDATE tokens SET last_used_at = now() WHERE id = %s", (token_id,))
