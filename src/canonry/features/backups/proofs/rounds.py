"""The rounds: every night each database has its drill; what has no fresh proof is told."""

import time

from canonry.core.clock import now
from canonry.features.backups.context import Context
from canonry.features.backups.points.rounds import last_night
from canonry.features.backups.proofs import rules, service, store
from canonry.features.backups.proofs.events import ProofOverdue
from canonry.features.backups.proofs.queue import DRILL
from canonry.infra.jobs import under_way

_LOOK_EVERY = 60.0
_KEPT_DAYS = 400


class ProofRounds:
    """Looks once a minute; what was done tonight stands in the table, so a restart does nothing twice."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next_look = 0.0

    def round(self) -> None:
        """Let what is due wait for its drill, and tell what is overdue."""
        if time.monotonic() < self._next_look or not self._context.ports.clusters.can_restore:
            return
        self._next_look = time.monotonic() + _LOOK_EVERY
        moment = now()
        with self._context.transactions.begin() as tx:
            store.delete_old(tx, _KEPT_DAYS)
            worked_on = {arguments["proof_id"] for arguments in under_way(tx.connection, DRILL)}
            for proof in store.all_under_way(tx):
                if proof.id not in worked_on:  # its job was given up
                    tx.enqueue(DRILL, proof_id=proof.id)
            for standing in store.standings(tx):
                night = last_night(moment)
                if standing.created_at < night and rules.is_due(standing, night):
                    service.add(tx, standing.organization_id, standing.project_id, standing.database_id)
                if rules.is_to_be_told(standing, moment):
                    why = rules.overdue(standing, moment)
                    store.note_told(tx, standing.database_id)
                    overdue = ProofOverdue(standing.organization_id, standing.project_id, standing.database_id, why)
                    tx.emit(overdue, after={"slug": standing.slug, "why": why})

    def close(self) -> None:
        """Nothing is held."""
