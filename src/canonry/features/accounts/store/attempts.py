"""All SQL on counted attempts."""

from collections.abc import Sequence
from datetime import datetime

from canonry.infra.tx import Tx


def count(tx: Tx, keys: Sequence[str], seconds: int) -> list[tuple[int, datetime]]:
    """Add one under each key, in this order, and return the counts with the time of the first; a window that is over begins anew."""
    rows = tx.connection.execute(
        """INSERT INTO attempts AS a (key, count, began_at) SELECT key, 1, now() FROM unnest(%s::text[]) AS key
           ON CONFLICT (key) DO UPDATE SET
               count = CASE WHEN a.began_at < now() - make_interval(secs => %s) THEN 1 ELSE a.count + 1 END,
               began_at = CASE WHEN a.began_at < now() - make_interval(secs => %s) THEN now() ELSE a.began_at END
           RETURNING count, began_at""",
        (list(keys), seconds, seconds),
    ).fetchall()
    return [(int(row[0]), row[1]) for row in rows]


def give_back(tx: Tx, keys: Sequence[str]) -> None:
    """Take one off under each key."""
    for key in keys:
        tx.connection.execute("UPDATE attempts SET count = count - 1 WHERE key = %s AND count > 0", (key,))


def forget(tx: Tx, keys: Sequence[str]) -> None:
    """Delete the counts under these keys."""
    for key in keys:
        tx.connection.execute("DELETE FROM attempts WHERE key = %s", (key,))


def forget_old(tx: Tx) -> None:
    """Delete some counts that are a day old; whoever is counting one at this moment keeps it."""
    tx.connection.execute(
        """DELETE FROM attempts WHERE key IN (SELECT key FROM attempts WHERE began_at < now() - interval '1 day'
           LIMIT 100 FOR UPDATE SKIP LOCKED)"""
    )
