"""All SQL on what a host told us already."""

from collections.abc import Iterable

from canonry.infra.tx import Tx

_KEPT = 7 * 86_400  # seconds; GitHub sends again, when asked to, for three days


def claim(tx: Tx, keys: Iterable[str]) -> bool:
    """Take a delivery by what it is known by; False when it was taken before. Who comes at the same moment waits for the first."""
    tx.connection.execute("DELETE FROM host_deliveries WHERE expires_at < now()")
    taken = [
        tx.connection.execute(
            """INSERT INTO host_deliveries (key, expires_at) VALUES (%s, now() + make_interval(secs => %s))
               ON CONFLICT DO NOTHING RETURNING key""",
            (key, _KEPT),
        ).fetchone()
        for key in sorted(keys)
    ]
    return all(row is not None for row in taken)
