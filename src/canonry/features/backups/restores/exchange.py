"""Letting one database take the place of another, with clients that wait for a moment and lose nothing.

    what                                               killed before it ends: the job runs again and
    1 nothing else touches the two clusters            does it again
    2 the other one runs, and both have written all    does it again
    3 the rows are exchanged (one transaction)         finds it done
    4 the other one knows the live one's passwords     does it again
    5 both stop, the other one starts on the port      does it again
    6 it is written down that it is done               does it again

From 3 on the rows say that the other one is live; until 5 clients still work with the former one. Between, at 5, they wait at the proxy.
When the other one does not start, the rows are exchanged again and the former one starts.

On a server outside nothing of ours stands before the databases: there clients get an error from 5 on, until the app has been started anew
with the address of the other one (`databases.swap`).
"""

import logging
import time

import psycopg

from canonry.core.clock import now
from canonry.core.errors import CanonryError, Conflict
from canonry.features import databases
from canonry.features.backups.context import Context
from canonry.features.backups.restores import archives, store
from canonry.features.backups.restores.events import DatabasePromoted, PromoteFailed, PromoteUndone
from canonry.features.backups.restores.models import Phase, Restore
from canonry.features.backups.restores.rules import UNDO_KEPT, facts
from canonry.features.databases import Database, Role
from canonry.infra.tx import Tx

_log = logging.getLogger(__name__)
_STILL_SECONDS = 900.0
_GRACE = 5.0


def run(context: Context, restore_id: str) -> None:
    """Promote a restored database, or undo that; as often as it is called, until it is done or has failed."""
    with context.transactions.begin() as tx:
        restore = store.hold(tx, restore_id)
    if restore is None or restore.state not in {Phase.PROMOTING, Phase.UNDOING}:
        return
    try:
        pause = _exchange(context, restore)
    except CanonryError as error:
        if error.code == "database_unavailable":  # nothing can be recorded now: the job runs again
            raise
        _failed(context, restore, error)
        return
    _done(context, restore, pause)


def _exchange(context: Context, restore: Restore) -> float | None:
    """Do the steps, and return for how many seconds clients waited; None where that is not known."""
    former, coming = _pair(context, restore)
    clusters = context.ports.clusters
    if coming.role is not Role.LIVE:
        clusters.start(databases.spec_of(coming))
        for database in (former, coming):
            _write_out(context, database)
        coming, former = _swap(context, former, coming)
    state = clusters.state(coming.cluster_id)
    ready = state is not None and state.running
    try:
        if ready:
            databases.equip(context, coming)
        _step(context, restore, "switching")
        began = time.monotonic()
        clusters.stop(former.cluster_id, grace=_GRACE)
        clusters.stop(coming.cluster_id, grace=_GRACE)
        clusters.start(databases.spec_of(coming))
        pause = time.monotonic() - began
        if not ready:
            databases.equip(context, coming)
        if clusters.can_restore:
            _keep_last(context, former)
    except CanonryError:
        _go_back(context, live=coming, retired=former)
        raise
    return pause if clusters.can_restore else None


def _keep_last(context: Context, former: Database) -> None:
    """Send what the former one wrote last, now that it has ended: the rounds look after those that are live."""
    try:
        archives.ship(context, former)
    except (CanonryError, OSError) as error:  # it lies in its folder, which is kept for some days
        _log.warning("the last changes of %s are not in the archive: %s", former.id, error)


def _pair(context: Context, restore: Restore) -> tuple[Database, Database]:
    """Return the database that shall go and the one that shall come, which nothing else touches for a while."""
    with context.transactions.begin() as tx:
        keys = [restore.database_id, restore.target_id or ""]
        if restore.state is Phase.UNDOING:
            keys.reverse()
        former, coming = (databases.get(tx, key) for key in keys)
        if former is None or coming is None:
            raise Conflict("database_moved_on", "One of the two databases was deleted.", hint="Look at them: canonry db ls.")
        if Role.LIVE not in {former.role, coming.role}:
            raise Conflict("database_moved_on", "Neither of the two databases is live any more: another one was promoted since.",
                           hint="Undo that one first: canonry db restores.")  # fmt: skip
        if restore.step == "waiting" and any(databases.is_busy(database) for database in (former, coming)):
            raise Conflict("database_busy", "Somebody works on one of the two databases now.", hint="Try again when that has ended.")
        for database in (former, coming):
            databases.keep_still(tx, database, _STILL_SECONDS)
        store.update(tx, restore.id, {"step": "exchanging"})
    return former, coming


def _swap(context: Context, live: Database, other: Database) -> tuple[Database, Database]:
    with context.transactions.begin() as tx:
        return databases.swap(tx, context.vault, live, other, shared=not context.ports.clusters.can_restore)


def _write_out(context: Context, database: Database) -> None:
    """Let a cluster that runs write what it has in memory now, so that it stops quickly later."""
    state = context.ports.clusters.state(database.cluster_id)
    if state is None or not state.running or not context.ports.clusters.can_restore:
        return
    try:
        with psycopg.connect(context.ports.clusters.admin_url(database.cluster_id).reveal(), autocommit=True, connect_timeout=10) as admin:
            admin.execute("CHECKPOINT")
    except psycopg.Error as error:  # it stops more slowly, that is all
        _log.warning("%s wrote nothing out before the exchange: %s", database.id, error)


def _go_back(context: Context, *, live: Database, retired: Database) -> None:
    """The one that came does not start: let the former one be live again."""
    _log.warning("%s does not start in the place of %s, which is live again", live.id, retired.id)
    former, other = _swap(context, live, retired)
    context.ports.clusters.stop(other.cluster_id, grace=_GRACE)
    context.ports.clusters.start(databases.spec_of(former))
    databases.equip(context, former)


def _step(context: Context, restore: Restore, step: str) -> None:
    with context.transactions.begin() as tx:
        store.update(tx, restore.id, {"step": step})


def _done(context: Context, restore: Restore, pause: float | None) -> None:
    undoing = restore.state is Phase.UNDOING
    with context.transactions.begin() as tx:
        current = store.hold(tx, restore.id)
        _look_after(tx, restore)
        if current is None:
            return
        phase = Phase.READY if undoing else Phase.PROMOTED
        waited = round(pause * 1000) if pause is not None else None
        store.update(tx, restore.id, {
            "state": str(phase), "step": "", "error": None, "pause_ms": waited, "ended_at": None if undoing else now(),
            "undo_until": None if undoing else now() + UNDO_KEPT,
        })  # fmt: skip
        kind = PromoteUndone if undoing else DatabasePromoted
        after = store.hold(tx, restore.id) or current
        tx.emit(kind(restore.organization_id, restore.project_id, restore.id), before=facts(current), after=facts(after))


def _failed(context: Context, restore: Restore, error: CanonryError) -> None:
    """Write down why nothing was exchanged: what was live is live."""
    undoing = restore.state is Phase.UNDOING
    with context.transactions.begin() as tx:
        current = store.hold(tx, restore.id)
        if current is None or current.step != "waiting":  # else the two were never ours
            _look_after(tx, restore)
        if current is None:
            return
        why = {"code": error.code, "message": error.message, "hint": error.hint}
        store.update(tx, restore.id, {"state": str(Phase.PROMOTED if undoing else Phase.READY), "step": "", "error": why})
        happened = PromoteFailed(restore.organization_id, restore.project_id, restore.id, error.code)
        tx.emit(happened, before=facts(current), after={**facts(current), "error": why})


def _look_after(tx: Tx, restore: Restore) -> None:
    """Let the rounds look after both again."""
    for key in (restore.database_id, restore.target_id or ""):
        if (database := databases.get(tx, key)) is not None:
            databases.keep_still(tx, database, 0)
