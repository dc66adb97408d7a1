"""Requests that are carried out once although they come twice: their keys, and the answers that are given again.

A key is reserved before anything is done, and its holder renews it as long as they live. The answer is written in the transaction of the
effect, where that can be: then both are there or neither is, whenever the process is killed. Where it cannot, that transaction at least
notes that there was an effect, so nobody carries the request out a second time. Both need the reservation to be held still, so of two
holders only one commits.
"""

from collections.abc import Callable
from contextvars import ContextVar
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


current: ContextVar[Reservation | None] = ContextVar("current_reservation", default=None)
"""What the request that is carried out here holds; a context variable, because it belongs to the request and to no service."""


def reserve(
    transactions: Transactions, vault: Vault, wanted: Reservation, *, lease: timedelta, early: bytes | None, repeatable: bool
) -> Stored | None:
    """Reserve a key, or return the answer that was given to it.

    lease: how long after their last sign of life a holder is taken for dead. early: the digest, where it is known already; where not, the
    caller compares. repeatable: carrying it out again does no harm, even when somebody who died had an effect.
    Raises: Conflict `idempotency_key_reused` (another request), `idempotency_in_progress`, `idempotency_outcome_unknown`.
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
                  request_id = EXCLUDED.request_id, locked_until = EXCLUDED.locked_until, status = NULL, answer = NULL,
                  effect_at = NULL, is_provisional = false, created_at = now()
               WHERE k.created_at < now() - %s
                  OR (k.status IS NULL AND k.locked_until < now() AND (k.effect_at IS NULL OR %s) AND k.request = EXCLUDED.request
                      AND (k.digest IS NULL OR k.digest = EXCLUDED.digest))
               RETURNING 1""",
            (*wanted.place, wanted.request, early, wanted.request_id, lease, KEPT, repeatable),
        ).fetchone()
        if taken is not None:
            return None
        row = tx.connection.execute(
            """SELECT request, digest, status, answer, request_id, locked_until > now() AND (status IS NULL OR is_provisional), effect_at
               FROM idempotency_keys WHERE organization_id = %s AND user_id = %s AND key = %s""", wanted.place,
        ).fetchone()  # fmt: skip
    if row is None:  # given up between the two statements
        raise _in_progress()
    request, digest, status, answer, request_id, is_held, effect_at = row
    if request != wanted.request or (early is not None and digest is not None and bytes(digest) != early):
        raise reused()
    if is_held or (status is None and effect_at is None):
        raise _in_progress()
    if status is None:
        raise Conflict("idempotency_outcome_unknown", "This request was carried out, but Canonry was ended before it could say how.",
                       hint="Look at what it was to change; if it must be done again, send it with a new key.")  # fmt: skip
    return Stored(status, vault.open(bytes(answer), bound=wanted.bound).reveal().encode(), request_id, bytes(digest))


def renew(transactions: Transactions, held: Reservation, *, lease: timedelta) -> None:
    """Say that the holder of a key lives."""
    with transactions.begin() as tx:
        tx.connection.execute(
            """UPDATE idempotency_keys SET locked_until = now() + %s
               WHERE organization_id = %s AND user_id = %s AND key = %s AND request_id = %s AND (status IS NULL OR is_provisional)""",
            (lease, *held.place, held.request_id),
        )


def note_effect(tx: Tx, held: Reservation) -> None:
    """Write down, in a transaction that changes something, that it does. Raises: Conflict `idempotency_in_progress`: it is held no more."""
    if held.is_finished:
        return
    done = tx.connection.execute(
        """UPDATE idempotency_keys SET effect_at = now()
           WHERE organization_id = %s AND user_id = %s AND key = %s AND request_id = %s AND (status IS NULL OR is_provisional)""",
        (*held.place, held.request_id),
    )
    if done.rowcount != 1:
        raise _in_progress()


def finish(tx: Tx, vault: Vault, held: Reservation, status: int, body: bytes, *, provisional: bool = False) -> None:
    """Write down the answer, in the transaction of what was done.

    provisional: a better one follows, unless its holder dies before. Raises: Conflict `idempotency_in_progress` when it is held no more.
    """
    done = tx.connection.execute(
        """UPDATE idempotency_keys SET status = %s, answer = %s, digest = %s, is_provisional = %s
           WHERE organization_id = %s AND user_id = %s AND key = %s AND request_id = %s AND (status IS NULL OR is_provisional)""",
        (status, vault.seal(body.decode(), bound=held.bound), held.digest(), provisional, *held.place, held.request_id),
    )
    if done.rowcount != 1:
        raise _in_progress()
    held.is_finished = not provisional


def release(tx: Tx, held: Reservation) -> None:
    """Give a key up: nothing was done, so the same request may come again."""
    tx.connection.execute(
        """DELETE FROM idempotency_keys WHERE organization_id = %s AND user_id = %s AND key = %s AND request_id = %s
           AND (status IS NULL OR is_provisional)""",
        (*held.place, held.request_id),
    )


def reused() -> Conflict:
    """Return the error for a key that came with another request before."""
    return Conflict("idempotency_key_reused", "This Idempotency-Key came with another request before.",
                    hint="Send a new key with every new request.")  # fmt: skip


def _in_progress() -> Conflict:
    return Conflict("idempotency_in_progress", "A request with this Idempotency-Key is being carried out.",
                    hint="Ask again with the same key in a few seconds.")  # fmt: skip
