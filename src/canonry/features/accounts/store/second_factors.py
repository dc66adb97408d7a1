"""All SQL on second factors and recovery codes."""

from collections.abc import Sequence

from canonry.infra.tx import Tx


def sealed_secret(tx: Tx, user_id: str, *, confirmed: bool) -> bytes | None:
    """Return the sealed secret of a second factor that is in force, or of one that waits to be confirmed."""
    row = tx.connection.execute(
        "SELECT sealed_secret FROM second_factors WHERE user_id = %s AND (confirmed_at IS NOT NULL) = %s", (user_id, confirmed)
    ).fetchone()
    return bytes(row[0]) if row else None


def use_step(tx: Tx, user_id: str, step: int) -> bool:
    """Note that the code of this step was used; say whether it is newer than the last one."""
    query = "UPDATE second_factors SET last_step = %s WHERE user_id = %s AND last_step < %s"
    return tx.connection.execute(query, (step, user_id, step)).rowcount == 1


def use_recovery_code(tx: Tx, user_id: str, sha256: bytes) -> bool:
    """Use a recovery code up; say whether it was there and unused."""
    query = "UPDATE recovery_codes SET used_at = now() WHERE user_id = %s AND sha256 = %s AND used_at IS NULL"
    return tx.connection.execute(query, (user_id, sha256)).rowcount == 1


def propose(tx: Tx, user_id: str, sealed: bytes) -> bool:
    """Keep a secret that waits to be confirmed, in place of an earlier one; say whether none is in force."""
    query = """INSERT INTO second_factors (user_id, sealed_secret) VALUES (%s, %s) ON CONFLICT (user_id) DO UPDATE
               SET sealed_secret = EXCLUDED.sealed_secret, last_step = 0, created_at = now() WHERE second_factors.confirmed_at IS NULL"""
    return tx.connection.execute(query, (user_id, sealed)).rowcount == 1


def confirm(tx: Tx, user_id: str) -> bool:
    """Put what was proposed in force; say whether it was waiting."""
    query = "UPDATE second_factors SET confirmed_at = now() WHERE user_id = %s AND confirmed_at IS NULL"
    return tx.connection.execute(query, (user_id,)).rowcount == 1


def remove(tx: Tx, user_id: str) -> bool:
    """Forget a person's second factor and recovery codes; say whether one was in force."""
    tx.connection.execute("DELETE FROM recovery_codes WHERE user_id = %s", (user_id,))
    row = tx.connection.execute("DELETE FROM second_factors WHERE user_id = %s RETURNING confirmed_at", (user_id,)).fetchone()
    return row is not None and row[0] is not None


def replace_recovery_codes(tx: Tx, user_id: str, hashes: Sequence[bytes]) -> None:
    """Keep these recovery codes and no other."""
    tx.connection.execute("DELETE FROM recovery_codes WHERE user_id = %s", (user_id,))
    tx.connection.execute("INSERT INTO recovery_codes (user_id, sha256) SELECT %s, unnest(%s::bytea[])", (user_id, list(hashes)))


def state(tx: Tx, user_id: str) -> tuple[bool, int]:
    """Say whether a second factor is in force, and how many recovery codes are left."""
    row = tx.connection.execute(
        """SELECT EXISTS (SELECT FROM second_factors WHERE user_id = %s AND confirmed_at IS NOT NULL),
                  (SELECT count(*) FROM recovery_codes WHERE user_id = %s AND used_at IS NULL)""",
        (user_id, user_id),
    ).fetchone()
    return (bool(row[0]), int(row[1])) if row else (False, 0)
