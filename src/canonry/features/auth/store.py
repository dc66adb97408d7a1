"""All SQL on sessions."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.rows import class_row

from canonry.core.paging import Page
from canonry.features.auth.models import Holder, Session
from canonry.infra.tx import Tx


def insert(tx: Tx, session: Session, sha256: bytes | None) -> None:
    """Add a session; of its secret only the hash is kept."""
    tx.connection.execute(
        """INSERT INTO sessions (id, user_id, organization_id, sha256, label, way, address, client, created_at, last_used_at, expires_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (session.id, session.user_id, session.organization_id, sha256, session.label, session.way, session.address, session.client,
         session.created_at, session.last_used_at, session.expires_at),
    )  # fmt: skip


_HOLDER = """
    SELECT s.id AS session_id, s.user_id, s.last_used_at, o.id AS organization_id, o.handle, m.role, u.is_operator, u.deactivated_at
    FROM sessions s JOIN users u ON u.id = s.user_id
    LEFT JOIN members m ON m.user_id = s.user_id LEFT JOIN organizations o ON o.id = m.organization_id"""
_VALID = "s.revoked_at IS NULL AND s.expires_at > now() AND (s.created_at >= u.sessions_since OR s.id = u.kept_session)"


def holder(tx: Tx, sha256: bytes, handle: str) -> Holder | None:
    """Return who holds the session with that hash, acting in the organization `handle` if they are a member, else in the session's own."""
    with tx.connection.cursor(row_factory=class_row(Holder)) as cursor:
        return cursor.execute(
            f"""{_HOLDER} WHERE s.sha256 = %s AND {_VALID}
                ORDER BY o.handle = %s DESC NULLS LAST, o.id = s.organization_id DESC NULLS LAST, m.created_at, o.id LIMIT 1""",
            (sha256, handle.lower()),
        ).fetchone()


def holder_of(tx: Tx, session_id: str) -> Holder | None:
    """Return who holds a session, acting in its organization."""
    with tx.connection.cursor(row_factory=class_row(Holder)) as cursor:
        return cursor.execute(
            f"{_HOLDER} WHERE s.id = %s AND {_VALID} ORDER BY o.id = s.organization_id DESC NULLS LAST, m.created_at, o.id LIMIT 1",
            (session_id,),
        ).fetchone()


def holder_by_identity(tx: Tx, issuer: str, subject: str) -> Holder | None:
    """Return the person whom a provider calls so, acting in the organization they joined first. There is no session behind it."""
    with tx.connection.cursor(row_factory=class_row(Holder)) as cursor:
        return cursor.execute(
            """SELECT '' AS session_id, u.id AS user_id, now() AS last_used_at, o.id AS organization_id, o.handle, m.role,
                      u.is_operator, u.deactivated_at
               FROM identities i JOIN users u ON u.id = i.user_id
               LEFT JOIN members m ON m.user_id = u.id LEFT JOIN organizations o ON o.id = m.organization_id
               WHERE i.issuer = %s AND i.subject = %s ORDER BY m.created_at, o.id LIMIT 1""",
            (issuer, subject),
        ).fetchone()


def touch(tx: Tx, session_id: str) -> None:
    """Note that the session was used now."""
    tx.connection.execute("UPDATE sessions SET last_used_at = now() WHERE id = %s", (session_id,))


def find(tx: Tx, user_id: str, session_id: str) -> Session | None:
    """Return a session of that user that is still valid."""
    with tx.connection.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(
            """SELECT id, user_id, organization_id, label, way, address, client, created_at, last_used_at, expires_at FROM sessions
               WHERE user_id = %s AND id = %s AND revoked_at IS NULL AND expires_at > now()""",
            (user_id, session_id),
        ).fetchone()


def page(tx: Tx, user_id: str, wanted: Page) -> Sequence[Session]:
    """Return up to limit + 1 sessions of that user that are still valid, the newest first."""
    with tx.connection.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(
            """SELECT id, user_id, organization_id, label, way, address, client, created_at, last_used_at, expires_at FROM sessions
               WHERE user_id = %s AND revoked_at IS NULL AND expires_at > now()
               AND (%s::timestamptz IS NULL OR (created_at, id) < (%s, %s)) ORDER BY created_at DESC, id DESC LIMIT %s""",
            (user_id, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1),
        ).fetchall()


def refused(tx: Tx, user_id: str) -> Sequence[Session]:
    """Return the sessions of that user that have not ended and count no more, because the password was changed after they began."""
    with tx.connection.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(
            """SELECT s.id, s.user_id, s.organization_id, s.label, s.way, s.address, s.client, s.created_at, s.last_used_at, s.expires_at
               FROM sessions s JOIN users u ON u.id = s.user_id
               WHERE s.user_id = %s AND s.revoked_at IS NULL AND s.created_at < u.sessions_since AND s.id <> u.kept_session
               ORDER BY s.id""",
            (user_id,),
        ).fetchall()


def last_sign_in(tx: Tx, user_id: str) -> datetime | None:
    """Return when the newest session of that user began, whether it has ended or not."""
    row = tx.connection.execute("SELECT max(created_at) FROM sessions WHERE user_id = %s", (user_id,)).fetchone()
    return row[0] if row else None


def revoke(tx: Tx, session_id: str) -> bool:
    """End a session; say whether it had not ended yet."""
    return tx.connection.execute("UPDATE sessions SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL", (session_id,)).rowcount > 0


def set_organization(tx: Tx, session_id: str, organization_id: str) -> None:
    """Let the session act in that organization."""
    tx.connection.execute("UPDATE sessions SET organization_id = %s WHERE id = %s", (organization_id, session_id))


def delete_ended(tx: Tx, user_id: str, before: datetime) -> None:
    """Forget the sessions of that user that ended before then."""
    tx.connection.execute("DELETE FROM sessions WHERE user_id = %s AND (expires_at < %s OR revoked_at < %s)", (user_id, before, before))
