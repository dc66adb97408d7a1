"""The rounds: the database that a promote replaced goes when its time is over."""

import time

from canonry.features.backups.context import Context
from canonry.features.backups.restores import store
from canonry.features.backups.restores.queue import CLEAR

_LOOK_EVERY = 300.0


class RestoreRounds:
    """Looks every five minutes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next_look = 0.0

    def round(self) -> None:
        """Let go what nobody can go back to any more."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_EVERY
        with self._context.transactions.begin() as tx:
            for restore in store.past_undoing(tx):
                store.update(tx, restore.id, {"undo_until": None})
                tx.enqueue(CLEAR, project_id=restore.project_id, database_id=restore.database_id)

    def close(self) -> None:
        """Nothing is held."""
