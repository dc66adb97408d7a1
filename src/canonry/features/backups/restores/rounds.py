"""The rounds: the database that a promote replaced goes when its time is over; what nobody works on any more is taken up again."""

import time

from canonry.features.backups.context import Context
from canonry.features.backups.restores import store
from canonry.features.backups.restores.models import Phase
from canonry.features.backups.restores.queue import CLEAR, EXCHANGE, PREPARE
from canonry.infra.jobs import under_way
from canonry.infra.tx import Tx

_LOOK_EVERY = 300.0


class RestoreRounds:
    """Looks every five minutes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next_look = 0.0

    def round(self) -> None:
        """Let go what nobody can go back to any more, and carry on what was given up."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_EVERY
        with self._context.transactions.begin() as tx:
            for restore in store.past_undoing(tx):
                store.update(tx, restore.id, {"undo_until": None})
                tx.enqueue(CLEAR, project_id=restore.project_id, database_id=restore.database_id)
            _carry_on(tx)

    def close(self) -> None:
        """Nothing is held."""


def _carry_on(tx: Tx) -> None:
    """See to it that each restore under way has a job: one that failed by a bug, or was killed too often, would leave it so for ever."""
    worked_on = {arguments["restore_id"] for job in (PREPARE, EXCHANGE) for arguments in under_way(tx.connection, job)}
    for restore in store.under_way(tx):
        if restore.id not in worked_on:
            job = PREPARE if restore.state is Phase.PREPARING else EXCHANGE
            tx.enqueue(job, project_id=restore.project_id, restore_id=restore.id)
