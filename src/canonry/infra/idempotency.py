"""Requests that are carried out once although they come twice: their keys, and the answers that are given again.

A key is reserved before anything is done. The answer is written in the transaction of the effect, where there is one: then both are there
or neither is, whenever the process is killed. Writing it needs the reservation to be held still, so of two holders only one commits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from canonry.core.access import Actor
from canonry.core.errors import Conflict
from canonry.infra.crypto import Vault
from canonry.infra.tx import Transactions, Tx

KEPT = timedelta(hours=24)
_CLEANED = 100  # rows that one reservation clears away at most


@dataclass(frozen=True)
class Stored:
    """An answer that was given before."""

    status: int
    body: bytes
    request_id: str
    digest: bytes


@dataclass
class Reservation:
    """The right to carry out one request.

    request: method, path and credential. digest: says what is asked, when it is asked; of an archive it is known at the end only.
    """

    actor: Actor
    key: str
    request: str
    digest: Callable[[], bytes]
    request_id: str
    is_finished: bool = False

    @property
    def place(self) -> tuple[str, str, str]:
        """The row."""
        return self.actor.organization_id, self.actor.user_id, self.key

    @property
    def bound(self) -> str:
        """What the sealed answer belongs to."""
        return "idempotency " + " ".join(self.place)


def reserve(transactions: Transactions, vault: Vault, wanted: Reservation, *, lease: timedelta, early: bytes | None) -> Stored | None:
    """Reserve a key, or return the answer that was given to it.

    lease: how long its holder may take before they are taken for dead. early: the digest, where it is known already; where not, the
    caller compares.
    Raises: Conflict `idempotency_key_reused` (another request), `idempotency_in_progress`.
    """
    with transactions.begin() as tx:
        tx.connection.execute(
            """DELETE FROM idempotency_keys WHERE ctid IN
               (SELECT ctid FROM idempotency_keys WHERE created_at < now() - %s LIMIT %s FOR UPDATE SKIP LOCKED)""",
            (KEPT, _CLEANED),
        )
        taken = tx.connection.execute(
            """INSERT INTO idempotency_keys AS k (organization_id, user_id, key, request, digest, request_id, locked_until)
               VALUES (%s, %s, %s, %s, %s, %s, now() + %s)
               ON CONFLICT (organization_id, user_id, key) DO UPDATE SET request = EXCLUDED.request, digest = EXCLUDED.digest,
                  request_id = EXCLUDED.request_id, locked_until = EXCLUDED.locked_until, status = NULL, answer = NULL, created_at = now()
               WHERE k.created_at < now() - %s
                  OR (k.status IS NULL AND k.locked_until < now() AND k.request = EXCLUDED.request
                      AND (k.digest IS NULL OR k.digest = EXCLUDED.digest))
               RETURNING 1""",
            (*wanted.place, wanted.request, early, wanted.request_id, lease, KEPT),
        ).fetchone()
        if taken is not None:
            return None
        row = tx.connection.execute(
            """SELECT request, digest, status, answer, request_id FROM idempotency_keys
               WHERE organization_id = %s AND user_id = %s AND key = %s""", wanted.place,
        ).fetchone()  # fmt: skip
    if row is None:  # given up between the two statements
        raise _in_progress()
    request, digest, status, answer, request_id = row
    if request != wanted.request or (early is not None and digest is not None and bytes(digest) != early):
        raise reused()
    if status is None:
        raise _in_progress()
    return Stored(status, vault.open(bytes(answer), bound=wanted.bound).reveal().encode(), request_id, bytes(digest))


def finish(tx: Tx, vault: Vault, held: Reservation, status: int, body: bytes) -> None:
    """Write down the answer, in the transaction of what was done. Raises: Conflict `idempotency_in_progress` when it is held no more."""
    done = tx.connection.execute(
        """UPDATE idempotency_keys SET status = %s, answer = %s, digest = %s
           WHERE organization_id = %s AND user_id = %s AND key = %s AND request_id = %s AND status IS NULL""",
        (status, vault.seal(body.decode(), bound=held.bound), held.digest(), *held.place, held.request_id),
    )
    if done.rowcount != 1:
        raise _in_progress()
    held.is_finished = True


def release(tx: Tx, held: Reservation) -> None:
    """Give a key up: nothing was done, so the same request may come again."""
    tx.connection.execute(
        "DELETE FROM idempotency_keys WHERE organization_id = %s AND user_id = %s AND key = %s AND request_id = %s AND status IS NULL",
        (*held.place, held.request_id),
    )


def reused() -> Conflict:
    """Return the error for a key that came with another request before."""
    return Conflict("idempotency_key_reused", "This Idempotency-Key came with another request before.",
                    hint="Send a new key with every new request.")  # fmt: skip


def _in_progress() -> Conflict:
    return Conflict("idempotency_in_progress", "A request with this Idempotency-Key is being carried out.",
                    hint="Ask again with the same key in a few seconds.")  # fmt: skip
