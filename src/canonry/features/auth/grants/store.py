"""All SQL on access and refresh tokens."""

from datetime import datetime

from psycopg.rows import class_row

from canonry.features.auth.models import Holder, Session
from canonry.infra.tx import Tx


def insert_access(tx: Tx, session_id: str, sha256: bytes, expires_at: datetime) -> None:
    """Add an access token, and forget those of the session that have expired."""
    tx.connection.execute("DELETE FROM access_tokens WHERE session_id = %s AND expires_at < now()", (session_id,))
    tx.connection.execute(
        "INSERT INTO access_tokens (sha256, session_id, expires_at) VALUES (%s, %s, %s)", (sha256, session_id, expires_at)
    )


def insert_refresh(tx: Tx, session_id: str, sha256: bytes, forget_before: datetime) -> None:
    """Add a refresh token, and forget those of the session that were made before then."""
    tx.connection.execute("DELETE FROM refresh_tokens WHERE session_id = %s AND created_at < %s", (session_id, forget_before))
    tx.connection.execute("INSERT INTO refresh_tokens (sha256, session_id) VALUES (%s, %s)", (sha256, session_id))


def holder(tx: Tx, sha256: bytes) -> Holder | None:
    """Return who holds that access token. It acts in its session's organization and in no other, as long as its user is a member there."""
    with tx.connection.cursor(row_factory=class_row(Holder)) as cursor:
        return cursor.execute(
            """SELECT s.id AS session_id, s.user_id, s.last_used_at, o.id AS organization_id, o.handle, m.role,
                      u.is_operator, u.deactivated_at
               FROM access_tokens a JOIN sessions s ON s.id = a.session_id JOIN users u ON u.id = s.user_id
               LEFT JOIN members m ON m.user_id = s.user_id AND m.organization_id = s.organization_id
               LEFT JOIN organizations o ON o.id = m.organization_id
               WHERE a.sha256 = %s AND a.expires_at > now() AND s.revoked_at IS NULL AND s.expires_at > now()
               AND (s.created_at >= u.sessions_since OR s.id = u.kept_session)""",
            (sha256,),
        ).fetchone()


def use_refresh(tx: Tx, sha256: bytes) -> bool:
    """Use a refresh token up; say whether it was there and unused. Of two that try at once, one succeeds."""
    query = "UPDATE refresh_tokens SET used_at = now() WHERE sha256 = %s AND used_at IS NULL"
    return tx.connection.execute(query, (sha256,)).rowcount > 0


def session_of(tx: Tx, sha256: bytes) -> Session | None:
    """Return the session that a refresh token, used or not, or an access token belongs to, when it is still valid."""
    with tx.connection.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(
            """SELECT s.id, s.user_id, s.organization_id, s.label, s.way, s.address, s.client, s.created_at, s.last_used_at, s.expires_at
                FROM sessions s JOIN users u ON u.id = s.user_id
                WHERE s.id = (SELECT session_id FROM refresh_tokens WHERE sha256 = %s
                              UNION SELECT session_id FROM access_tokens WHERE sha256 = %s)
                AND s.revoked_at IS NULL AND s.expires_at > now()
                AND (s.created_at >= u.sessions_since OR s.id = u.kept_session)""",
            (sha256, sha256),
        ).fetchone()


def prolong(tx: Tx, session_id: str, expires_at: datetime) -> None:
    """Let a session that is in use go on until then."""
    tx.connection.execute("UPDATE sessions SET expires_at = %s, last_used_at = now() WHERE id = %s", (expires_at, session_id))
