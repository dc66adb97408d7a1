"""All SQL on device sign-ins."""

from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.auth.device.models import DeviceSignIn
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT id, status, organization, client, address, pause, polled_at, user_id, organization_id, sealed_provider_code,
                            created_at, expires_at FROM device_codes """)


def insert(tx: Tx, row: DeviceSignIn, device_sha256: bytes, user_hmac: bytes | None) -> bool:
    """Add a device sign-in; False when the short code is taken just now."""
    done = tx.connection.execute(
        """INSERT INTO device_codes (id, device_sha256, user_hmac, organization, client, address, pause, sealed_provider_code,
                                     created_at, expires_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (user_hmac) DO NOTHING""",
        (row.id, device_sha256, user_hmac, row.organization, row.client, row.address, row.pause, row.sealed_provider_code,
         row.created_at, row.expires_at),
    )  # fmt: skip
    return done.rowcount == 1


def forget_old(tx: Tx, before: datetime) -> None:
    """Forget the device sign-ins that expired before then."""
    tx.connection.execute("DELETE FROM device_codes WHERE expires_at < %s", (before,))


def hold(tx: Tx, device_sha256: bytes) -> DeviceSignIn | None:
    """Return the device sign-in with that code; nobody else can change it until the transaction ends."""
    with tx.connection.cursor(row_factory=class_row(DeviceSignIn)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE device_sha256 = %s FOR UPDATE"), (device_sha256,)).fetchone()


def hold_by_user_code(tx: Tx, user_hmac: bytes, at: datetime) -> DeviceSignIn | None:
    """Return the device sign-in that still waits under that short code, likewise."""
    query = _SELECT + sql.SQL("WHERE user_hmac = %s AND status = 'pending' AND expires_at > %s FOR UPDATE")
    with tx.connection.cursor(row_factory=class_row(DeviceSignIn)) as cursor:
        return cursor.execute(query, (user_hmac, at)).fetchone()


def note_question(tx: Tx, row_id: str, at: datetime, pause: int) -> None:
    """Note when it was asked last, and the pause from now on."""
    tx.connection.execute("UPDATE device_codes SET polled_at = %s, pause = %s WHERE id = %s", (at, pause, row_id))


def settle(tx: Tx, row_id: str, status: str, user_id: str | None = None, organization_id: str | None = None) -> None:
    """Set how it ended."""
    tx.connection.execute(
        """UPDATE device_codes SET status = %s, user_id = coalesce(%s, user_id), organization_id = coalesce(%s, organization_id),
           approved_at = CASE WHEN %s = 'approved' THEN clock_timestamp() ELSE approved_at END WHERE id = %s""",
        (status, user_id, organization_id, status, row_id),
    )


def is_outlived(tx: Tx, row_id: str) -> bool:
    """Say whether whoever approved it has changed their password since."""
    query = "SELECT u.sessions_since > d.approved_at FROM device_codes d JOIN users u ON u.id = d.user_id WHERE d.id = %s"
    return tx.connection.execute(query, (row_id,)).fetchone() == (True,)
