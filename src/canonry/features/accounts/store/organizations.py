"""All SQL on organizations and memberships."""

from psycopg.rows import class_row

from canonry.features.accounts.models import Membership, Organization
from canonry.infra.tx import Tx


def insert_organization(tx: Tx, organization_id: str, handle: str, name: str) -> bool:
    """Add an organization; say whether the handle was free."""
    query = "INSERT INTO organizations (id, handle, name) VALUES (%s, %s, %s) ON CONFLICT (handle) DO NOTHING"
    return tx.connection.execute(query, (organization_id, handle, name)).rowcount == 1


def insert_member(tx: Tx, organization_id: str, user_id: str, role: str) -> None:
    """Make a person a member."""
    tx.connection.execute("INSERT INTO members (organization_id, user_id, role) VALUES (%s, %s, %s)", (organization_id, user_id, role))


def organization_by_handle(tx: Tx, handle: str) -> Organization | None:
    """Return the organization with that handle."""
    with tx.connection.cursor(row_factory=class_row(Organization)) as cursor:
        return cursor.execute("SELECT id, handle, name, created_at FROM organizations WHERE handle = %s", (handle,)).fetchone()


def organization(tx: Tx, organization_id: str) -> Organization | None:
    """Return an organization."""
    with tx.connection.cursor(row_factory=class_row(Organization)) as cursor:
        return cursor.execute("SELECT id, handle, name, created_at FROM organizations WHERE id = %s", (organization_id,)).fetchone()


def first_owner(tx: Tx) -> tuple[str, str] | None:
    """Return (user id, organization id) of the oldest owner."""
    row = tx.connection.execute(
        "SELECT user_id, organization_id FROM members WHERE role = 'owner' ORDER BY created_at, user_id LIMIT 1"
    ).fetchone()
    return (row[0], row[1]) if row else None


def memberships(tx: Tx, user_id: str) -> list[Membership]:
    """Return the organizations of a person, the oldest membership first."""
    with tx.connection.cursor(row_factory=class_row(Membership)) as cursor:
        return cursor.execute(
            """SELECT o.id AS organization_id, o.handle, o.name, m.role FROM members m JOIN organizations o ON o.id = m.organization_id
               WHERE m.user_id = %s ORDER BY m.created_at, o.id""",
            (user_id,),
        ).fetchall()
