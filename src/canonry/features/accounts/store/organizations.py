"""All SQL on organizations and memberships."""

from psycopg.rows import class_row

from canonry.core.paging import Page
from canonry.features.accounts.models import Member, Membership, Organization, OwnOrganization, Recipient
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


def page_of_user(tx: Tx, user_id: str, wanted: Page, *, only: str | None) -> list[OwnOrganization]:
    """Return up to limit + 1 organizations of a person, the newest membership first. only: the id of the one to look at."""
    with tx.connection.cursor(row_factory=class_row(OwnOrganization)) as cursor:
        return cursor.execute(
            """SELECT o.id, o.handle, o.name, m.role, m.created_at FROM members m JOIN organizations o ON o.id = m.organization_id
               WHERE m.user_id = %s AND (%s::text IS NULL OR o.id = %s)
                 AND (%s::timestamptz IS NULL OR (m.created_at, o.id) < (%s, %s))
               ORDER BY m.created_at DESC, o.id DESC LIMIT %s""",
            (user_id, only, only, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1),
        ).fetchall()


def rename(tx: Tx, organization_id: str, *, handle: str, name: str) -> None:
    """Give an organization another handle and name. Raises psycopg's UniqueViolation for a taken handle."""
    tx.connection.execute("UPDATE organizations SET handle = %s, name = %s WHERE id = %s", (handle, name, organization_id))


def hold(tx: Tx, organization_id: str) -> None:
    """Let nobody change an organization, or put anything into it, until this transaction ends."""
    tx.connection.execute("SELECT FROM organizations WHERE id = %s FOR UPDATE", (organization_id,))


def holdings(tx: Tx, organization_id: str) -> tuple[int, int]:
    """Return how many projects and repositories an organization has; they lie floors above, and their tables are only counted here."""
    row = tx.connection.execute(
        """SELECT (SELECT count(*) FROM projects WHERE organization_id = %s),
                  (SELECT count(*) FROM repositories WHERE organization_id = %s AND removed_at IS NULL AND project_id IS NULL)""",
        (organization_id, organization_id),
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def delete_organization(tx: Tx, organization_id: str) -> None:
    """Delete an organization with members, tokens, keys and invitations. Raises psycopg's ForeignKeyViolation while it has projects."""
    tx.connection.execute("DELETE FROM organizations WHERE id = %s", (organization_id,))


def hold_members(tx: Tx, organization_id: str) -> None:
    """Let nobody else change the members of an organization until this transaction ends; new projects need not wait."""
    tx.connection.execute("SELECT FROM organizations WHERE id = %s FOR NO KEY UPDATE", (organization_id,))


_MEMBER = "SELECT u.id, u.email, u.name, m.role, m.created_at FROM members m JOIN users u ON u.id = m.user_id WHERE m.organization_id = %s "


def member(tx: Tx, organization_id: str, key: str) -> Member | None:
    """Return the member with that id or e-mail address."""
    with tx.connection.cursor(row_factory=class_row(Member)) as cursor:
        return cursor.execute(_MEMBER + "AND (u.id = %s OR u.email = %s)", (organization_id, key, key)).fetchone()


def page_of_members(tx: Tx, organization_id: str, wanted: Page) -> list[Member]:
    """Return up to limit + 1 members, the newest first."""
    with tx.connection.cursor(row_factory=class_row(Member)) as cursor:
        return cursor.execute(
            _MEMBER
            + """AND (%s::timestamptz IS NULL OR (m.created_at, u.id) < (%s, %s))
                         ORDER BY m.created_at DESC, u.id DESC LIMIT %s""",
            (organization_id, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1),
        ).fetchall()


def count_owners(tx: Tx, organization_id: str) -> int:
    """Return how many owners an organization has that can still act."""
    row = tx.connection.execute(
        """SELECT count(*) FROM members m JOIN users u ON u.id = m.user_id
           WHERE m.organization_id = %s AND m.role = 'owner' AND u.deactivated_at IS NULL""",
        (organization_id,),
    ).fetchone()
    return int(row[0]) if row else 0


def has_others(tx: Tx, organization_id: str, user_id: str) -> bool:
    """Say whether an organization has other members who can act."""
    return tx.connection.execute(
        """SELECT EXISTS (SELECT FROM members m JOIN users u ON u.id = m.user_id
           WHERE m.organization_id = %s AND m.user_id <> %s AND u.deactivated_at IS NULL)""",
        (organization_id, user_id),
    ).fetchone() == (True,)


def set_role(tx: Tx, organization_id: str, user_id: str, role: str) -> None:
    """Give a member another role."""
    tx.connection.execute("UPDATE members SET role = %s WHERE organization_id = %s AND user_id = %s", (role, organization_id, user_id))


def delete_member(tx: Tx, organization_id: str, user_id: str) -> None:
    """Remove a person from an organization."""
    tx.connection.execute("DELETE FROM members WHERE organization_id = %s AND user_id = %s", (organization_id, user_id))


def operator_addresses(tx: Tx) -> list[str]:
    """Return the verified addresses of those who run this Canonry."""
    rows = tx.connection.execute(
        """SELECT email FROM users WHERE is_operator AND email_verified_at IS NOT NULL AND deactivated_at IS NULL
           AND email NOT LIKE '%@localhost' ORDER BY created_at, id"""
    ).fetchall()
    return [row[0] for row in rows]


def reachable_members(tx: Tx, organization_id: str) -> list[Recipient]:
    """Return the members of an organization whose address is verified and leads somewhere, owners first."""
    with tx.connection.cursor(row_factory=class_row(Recipient)) as cursor:
        return cursor.execute(
            """SELECT u.id AS user_id, u.email, u.name, m.role FROM members m JOIN users u ON u.id = m.user_id
               WHERE m.organization_id = %s AND u.email_verified_at IS NOT NULL AND u.deactivated_at IS NULL
               AND u.email NOT LIKE '%%@localhost' ORDER BY m.role <> 'owner', m.created_at, u.id""",
            (organization_id,),
        ).fetchall()
