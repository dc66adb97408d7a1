"""All SQL on invitations."""

from psycopg.rows import class_row

from canonry.core.paging import Page
from canonry.features.accounts.models import Invitation
from canonry.infra.tx import Tx

_SELECT = """
    SELECT i.id, i.organization_id, o.name AS organization, i.email, i.role, u.name AS inviter, i.created_at, i.expires_at
    FROM invitations i JOIN organizations o ON o.id = i.organization_id LEFT JOIN users u ON u.id = i.invited_by
    WHERE i.expires_at > now() """


def put(tx: Tx, invitation_id: str, *, organization_id: str, email: str, role: str, sha256: bytes, invited_by: str) -> None:
    """Invite an address for seven days; an earlier invitation of it into the same organization counts no more."""
    tx.connection.execute("DELETE FROM invitations WHERE organization_id = %s AND expires_at < now()", (organization_id,))
    tx.connection.execute(
        """INSERT INTO invitations (id, organization_id, email, role, sha256, invited_by, expires_at)
           VALUES (%s, %s, %s, %s, %s, %s, now() + interval '7 days')
           ON CONFLICT (organization_id, email) DO UPDATE SET id = EXCLUDED.id, role = EXCLUDED.role, sha256 = EXCLUDED.sha256,
               invited_by = EXCLUDED.invited_by, created_at = now(), expires_at = EXCLUDED.expires_at""",
        (invitation_id, organization_id, email, role, sha256, invited_by),
    )


def find(tx: Tx, organization_id: str, invitation_id: str) -> Invitation | None:
    """Return an invitation of the organization that still waits."""
    with tx.connection.cursor(row_factory=class_row(Invitation)) as cursor:
        return cursor.execute(_SELECT + "AND i.organization_id = %s AND i.id = %s", (organization_id, invitation_id)).fetchone()


def find_by_secret(tx: Tx, sha256: bytes) -> Invitation | None:
    """Return the invitation with that secret, if it still waits."""
    with tx.connection.cursor(row_factory=class_row(Invitation)) as cursor:
        return cursor.execute(_SELECT + "AND i.sha256 = %s", (sha256,)).fetchone()


def page(tx: Tx, organization_id: str, wanted: Page) -> list[Invitation]:
    """Return up to limit + 1 invitations that wait, the newest first."""
    with tx.connection.cursor(row_factory=class_row(Invitation)) as cursor:
        return cursor.execute(
            _SELECT
            + """AND i.organization_id = %s AND (%s::timestamptz IS NULL OR (i.created_at, i.id) < (%s, %s))
                         ORDER BY i.created_at DESC, i.id DESC LIMIT %s""",
            (organization_id, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1),
        ).fetchall()


def withdraw_of(tx: Tx, organization_id: str, user_id: str) -> list[str]:
    """Delete every invitation into the organization that a person sent; return the addresses they went to, in order."""
    query = "DELETE FROM invitations WHERE organization_id = %s AND invited_by = %s RETURNING email"
    return sorted(row[0] for row in tx.connection.execute(query, (organization_id, user_id)).fetchall())


def delete(tx: Tx, invitation_id: str) -> bool:
    """Use an invitation up, or withdraw it; say whether it was there: of many who ask at once, one hears yes."""
    return tx.connection.execute("DELETE FROM invitations WHERE id = %s", (invitation_id,)).rowcount == 1
