"""All SQL on users and the identities they have elsewhere."""

from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.accounts.models import Login, User
from canonry.infra.tx import Tx

_FIRST = 7_226_682  # advisory lock of whoever makes the first user
_SELECT = sql.SQL("SELECT id, email, name, email_verified_at, deactivated_at, is_operator, created_at FROM users ")


def nobody_yet(tx: Tx) -> bool:
    """Say whether there is no user; while there is none, only one transaction at a time gets an answer."""
    query = "SELECT NOT EXISTS (SELECT FROM users)"
    if tx.connection.execute(query).fetchone() != (True,):
        return False
    tx.connection.execute("SELECT pg_advisory_xact_lock(%s)", (_FIRST,))
    return tx.connection.execute(query).fetchone() == (True,)


def insert_user(tx: Tx, user_id: str, email: str, name: str, *, verified: bool, operator: bool) -> None:
    """Add a person. Raises psycopg's UniqueViolation for a taken address."""
    tx.connection.execute(
        """INSERT INTO users (id, email, name, email_verified_at, is_operator)
           VALUES (%s, %s, %s, CASE WHEN %s THEN now() END, %s)""",
        (user_id, email, name, verified, operator),
    )


def any_password(tx: Tx) -> bool:
    """Say whether somebody has a password."""
    return tx.connection.execute("SELECT EXISTS (SELECT FROM users WHERE password_hash IS NOT NULL)").fetchone() == (True,)


def user(tx: Tx, user_id: str) -> User | None:
    """Return a person."""
    with tx.connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE id = %s"), (user_id,)).fetchone()


def user_by_email(tx: Tx, email: str) -> User | None:
    """Return the person with that address (lower case)."""
    with tx.connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE email = %s"), (email,)).fetchone()


def login(tx: Tx, email: str) -> Login | None:
    """Return what signing in as the person with that address needs."""
    with tx.connection.cursor(row_factory=class_row(Login)) as cursor:
        return cursor.execute(
            """SELECT u.id AS user_id, u.password_hash, f.confirmed_at IS NOT NULL AS has_second_factor
               FROM users u LEFT JOIN second_factors f ON f.user_id = u.id WHERE u.email = %s""",
            (email,),
        ).fetchone()


def password_hash(tx: Tx, user_id: str) -> str | None:
    """Return the hash of a person's password, None without one."""
    row = tx.connection.execute("SELECT password_hash FROM users WHERE id = %s", (user_id,)).fetchone()
    return row[0] if row else None


def set_password_hash(tx: Tx, user_id: str, made: str, *, instead_of: str | None = None) -> None:
    """Keep a hash. instead_of: only when the one that is kept is this one."""
    tx.connection.execute(
        "UPDATE users SET password_hash = %s WHERE id = %s AND (%s::text IS NULL OR password_hash = %s)",
        (made, user_id, instead_of, instead_of),
    )


def refuse_sessions(tx: Tx, user_id: str, at: datetime, *, but: str) -> None:
    """Let no session count that began before then. but: the id of one that goes on, or empty."""
    tx.connection.execute("UPDATE users SET sessions_since = %s, kept_session = %s WHERE id = %s", (at, but, user_id))


def set_verified(tx: Tx, user_id: str) -> None:
    """Note that a person has shown that their address is theirs."""
    tx.connection.execute("UPDATE users SET email_verified_at = coalesce(email_verified_at, now()) WHERE id = %s", (user_id,))


def set_email(tx: Tx, user_id: str, email: str) -> None:
    """Give a person another, verified address. Raises psycopg's UniqueViolation for a taken one."""
    tx.connection.execute("UPDATE users SET email = %s, email_verified_at = now() WHERE id = %s", (email, user_id))


def set_name(tx: Tx, user_id: str, name: str) -> None:
    """Give a person another name."""
    tx.connection.execute("UPDATE users SET name = %s WHERE id = %s", (name, user_id))


def everybody(tx: Tx) -> list[User]:
    """Return every person, the oldest first."""
    with tx.connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("ORDER BY created_at, id")).fetchall()


def hold_operators(tx: Tx) -> list[str]:
    """Return who runs this Canonry and can still act; none of them changes until this transaction ends."""
    query = "SELECT id FROM users WHERE is_operator AND deactivated_at IS NULL ORDER BY id FOR UPDATE"
    return [row[0] for row in tx.connection.execute(query).fetchall()]


def set_active(tx: Tx, user_id: str, *, active: bool) -> bool:
    """Let a person in again, or no more; say whether that changes anything."""
    query = "UPDATE users SET deactivated_at = CASE WHEN %s THEN NULL ELSE now() END WHERE id = %s AND (deactivated_at IS NULL) <> %s"
    return tx.connection.execute(query, (active, user_id, active)).rowcount == 1


def user_of_identity(tx: Tx, issuer: str, subject: str) -> User | None:
    """Return the person with that identity at an outside provider."""
    with tx.connection.cursor(row_factory=class_row(User)) as cursor:
        query = _SELECT + sql.SQL("WHERE id = (SELECT user_id FROM identities WHERE issuer = %s AND subject = %s)")
        return cursor.execute(query, (issuer, subject)).fetchone()


def insert_identity(tx: Tx, issuer: str, subject: str, user_id: str, email: str) -> None:
    """Remember who somebody is elsewhere. Raises psycopg's UniqueViolation."""
    tx.connection.execute(
        "INSERT INTO identities (issuer, subject, user_id, email) VALUES (%s, %s, %s, %s)", (issuer, subject, user_id, email)
    )


def delete_identities(tx: Tx, user_id: str) -> None:
    """Forget who somebody is elsewhere."""
    tx.connection.execute("DELETE FROM identities WHERE user_id = %s", (user_id,))
