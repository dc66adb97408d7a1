"""All SQL on users, organizations and members."""

from psycopg.rows import class_row

from canonry.features.accounts.models import Organization, User
from canonry.infra.tx import Tx


def insert_user(tx: Tx, user_id: str, email: str, name: str) -> None:
    """Add a person."""
    tx.connection.execute("INSERT INTO users (id, email, name) VALUES (%s, %s, %s)", (user_id, email, name))


def insert_organization(tx: Tx, organization_id: str, handle: str, name: str) -> None:
    """Add an organization."""
    tx.connection.execute("INSERT INTO organizations (id, handle, name) VALUES (%s, %s, %s)", (organization_id, handle, name))


def insert_member(tx: Tx, organization_id: str, user_id: str, role: str) -> None:
    """Make a person a member."""
    tx.connection.execute("INSERT INTO members (organization_id, user_id, role) VALUES (%s, %s, %s)", (organization_id, user_id, role))


def user(tx: Tx, user_id: str) -> User | None:
    """Return a person."""
    with tx.connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute("SELECT id, email, name, created_at FROM users WHERE id = %s", (user_id,)).fetchone()


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
