"""All SQL on tokens."""

from datetime import datetime
from functools import lru_cache

from psycopg import sql
from psycopg.rows import class_row

from canonry.core.paging import Page
from canonry.features.tokens.models import NewToken, Token, TokenHolder
from canonry.infra.prepared import Prepared, Values
from canonry.infra.tx import Tx

# A token may be bound to a project, and is shown with its slug; projects stand beside this feature, so their table is read here.
_SELECT = sql.SQL("""
    SELECT t.id, t.user_id, u.email, t.name, t.prefix, t.scope, t.project_id, p.slug AS project, t.created_at, t.expires_at, t.last_used_at
    FROM tokens t JOIN users u ON u.id = t.user_id LEFT JOIN projects p ON p.id = t.project_id
    WHERE t.organization_id = %s AND t.revoked_at IS NULL """)

# When something was used last is for people: one write a minute, not one a request.
_HOLDER = Prepared("holder of a token", """
    SELECT t.id, t.user_id, t.organization_id, o.handle, t.scope, m.role, t.project_id, u.is_operator, u.deactivated_at IS NOT NULL,
           t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute'
    FROM tokens t JOIN organizations o ON o.id = t.organization_id
    JOIN members m ON m.organization_id = t.organization_id AND m.user_id = t.user_id
    JOIN users u ON u.id = t.user_id
    WHERE t.sha256 = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())""")  # fmt: skip


def insert(tx: Tx, token_id: str, new: NewToken, *, prefix: str, sha256: bytes) -> None:
    """Add a token; only its hash is kept."""
    tx.connection.execute(
        """INSERT INTO tokens (id, organization_id, user_id, name, prefix, sha256, scope, project_id, expires_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (token_id, new.organization_id, new.user_id, new.name, prefix, sha256, new.scope, new.project_id, new.expires_at),
    )


def holder(tx: Tx, sha256: bytes) -> TokenHolder | None:
    """Return who holds the token with that hash, if it is neither revoked nor expired and its owner is still a member."""
    row = _HOLDER.first(tx.connection, sha256)
    return None if row is None else _holder(row)


@lru_cache(maxsize=512)
def _holder(row: Values) -> TokenHolder:
    """Return what a row says: the same row says the same, and it is read anew for each request."""
    texts = [None if value is None else value.decode() for value in row]
    token_id, user_id, organization_id, handle, scope, role, project_id = texts[:7]
    return TokenHolder(
        str(token_id), str(user_id), str(organization_id), str(handle), str(scope), str(role), project_id,
        is_operator=texts[7] == "t", is_deactivated=texts[8] == "t", is_to_be_noted=texts[9] == "t",
    )  # fmt: skip


def touch(tx: Tx, token_id: str) -> None:
    """Note that the token was used now."""
    tx.connection.execute("UPDATE tokens SET last_used_at = now() WHERE id = %s", (token_id,))


def find(tx: Tx, organization_id: str, token_id: str) -> Token | None:
    """Return a token of the organization that is not revoked."""
    with tx.connection.cursor(row_factory=class_row(Token)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("AND t.id = %s"), (organization_id, token_id)).fetchone()


def page(tx: Tx, organization_id: str, wanted: Page, *, user_id: str | None, project_id: str | None) -> list[Token]:
    """Return up to limit + 1 tokens, newest first. user_id, project_id: only of that person, only bound to that project."""
    with tx.connection.cursor(row_factory=class_row(Token)) as cursor:
        query = _SELECT + sql.SQL("""AND (%s::text IS NULL OR t.user_id = %s) AND (%s::text IS NULL OR t.project_id = %s)
                             AND (%s::timestamptz IS NULL OR (t.created_at, t.id) < (%s, %s))
                             ORDER BY t.created_at DESC, t.id DESC LIMIT %s""")
        arguments = (organization_id, user_id, user_id, project_id, project_id, wanted.before, wanted.before, wanted.before_id,
                     wanted.limit + 1)  # fmt: skip
        return cursor.execute(query, arguments).fetchall()


def revoke(tx: Tx, token_id: str) -> bool:
    """Refuse the token from now on; say whether it was not refused already."""
    return tx.connection.execute("UPDATE tokens SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL", (token_id,)).rowcount == 1


def revoke_all(tx: Tx, organization_id: str, user_id: str) -> int:
    """Refuse every token that a person has in an organization; return how many there were."""
    query = "UPDATE tokens SET revoked_at = now() WHERE organization_id = %s AND user_id = %s AND revoked_at IS NULL"
    return tx.connection.execute(query, (organization_id, user_id)).rowcount


def project_id(tx: Tx, organization_id: str, key: str) -> str | None:
    """Return the id of the organization's project with that id or slug."""
    query = "SELECT id FROM projects WHERE organization_id = %s AND (id = %s OR slug = %s)"
    row = tx.connection.execute(query, (organization_id, key, key)).fetchone()
    return row[0] if row else None


def expires_at(tx: Tx, token_id: str) -> datetime | None:
    """Return when a token ends by itself, None for never."""
    row = tx.connection.execute("SELECT expires_at FROM tokens WHERE id = %s", (token_id,)).fetchone()
    return row[0] if row else None
