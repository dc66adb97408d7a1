"""A restore as a story: archive up to date → data folder → cluster → recovery → logins → comparison.

Of a dump it is: empty cluster → loading → logins → comparison. Every step may run twice: after a `kill -9` the job runs again, finds the
cluster that was adopted and goes on there, or begins with an empty folder, and of a dump with an empty cluster. A failure leaves nothing
but the restore, which says why; the live database is only read from.
"""

import logging

from canonry.core.errors import CanonryError, Conflict
from canonry.features import databases
from canonry.features.backups.context import Context
from canonry.features.backups.dumps import loading
from canonry.features.backups.restores import comparison, moments, store
from canonry.features.backups.restores.events import RestoreFailed, RestoreReady
from canonry.features.backups.restores.models import Phase, Restore
from canonry.features.backups.restores.rules import facts, require_reachable
from canonry.features.databases import Database, Role, State
from canonry.infra.files import remove_tree

_log = logging.getLogger(__name__)


def prepare(context: Context, restore_id: str) -> None:
    """Restore a database beside the live one, and compare the two."""
    with context.transactions.begin() as tx:
        restore = store.hold(tx, restore_id)
    if restore is None or restore.state is not Phase.PREPARING:
        return
    try:
        found = _walk(context, restore)
    except CanonryError as error:
        if error.code == "database_unavailable":  # nothing can be recorded now: the job runs again
            raise
        _failed(context, restore, {"code": error.code, "message": error.message, "hint": error.hint})
        return
    except Exception:  # noqa: BLE001 -- a bug must end the restore, not leave it hanging; it is logged with its traceback
        _log.exception("restore %s failed", restore_id)
        message, hint = "Something in Canonry itself failed; its log says more.", "Try again; report it if it stays."
        _failed(context, restore, {"code": "internal_error", "message": message, "hint": hint})
        return
    with context.transactions.begin() as tx:
        current = store.hold(tx, restore_id)
        if current is None:
            return
        store.update(tx, restore_id, {"state": str(Phase.READY), "step": "", "difference": found, "error": None})
        after = store.hold(tx, restore_id) or current
        tx.emit(RestoreReady(current.organization_id, current.project_id, restore_id), before=facts(current), after=facts(after))


def _walk(context: Context, restore: Restore) -> dict[str, object]:
    live, target = _databases(context, restore)
    if restore.dump_id is not None:
        target = loading.load(context, restore.dump_id, target, lambda step: _step(context, restore, step))
    else:
        target = _recovered(context, restore, live, target)
    target = databases.ready(context, target)
    _step(context, restore, "comparing")
    return _compared(context, live, target)


def _recovered(context: Context, restore: Restore, live: Database, target: Database) -> Database:
    clusters = context.ports.clusters
    work = context.home.databases / f".restore-{restore.id}"
    remove_tree(work)  # of a process that was killed
    if not (clusters.folder(target.cluster_id) / "data").is_dir():
        _step(context, restore, "fetching")
        moments.bring_up_to_date(context, live)
        try:
            where = require_reachable(restore.at, moments.reach(context, live))
            data = moments.lay_out(context, where.cluster, restore, work)
            clusters.adopt(target.cluster_id, data)
        finally:
            remove_tree(work)
    _step(context, restore, "recovering")
    return databases.started(context, target)


def _compared(context: Context, live: Database, target: Database) -> dict[str, object]:
    clusters = context.ports.clusters
    try:
        clusters.wake(live.cluster_id)
        return comparison.compare(_way(context, live), _way(context, target))
    except CanonryError as error:  # the live one may be what is broken: then the restore is needed all the more
        return {"tables": [], "same": 0, "complete": False, "why": error.message}


def _way(context: Context, database: Database) -> comparison.Way:
    clusters = context.ports.clusters
    url = clusters.admin_url(database.cluster_id, clusters.names(database.cluster_id).database)
    return url, databases.counting_login(context.vault, clusters, database)


def _databases(context: Context, restore: Restore) -> tuple[Database, Database]:
    """Return the live database and the row of the one to restore, which is made when it is not there yet."""
    with context.transactions.begin() as tx:
        current = store.hold(tx, restore.id)
        live = databases.get(tx, restore.database_id)
        if current is None or live is None or live.role is not Role.LIVE:
            raise Conflict(
                "database_moved_on", "The database was deleted or replaced meanwhile.", hint="Look at what there is: canonry db ls."
            )
        target = databases.get(tx, current.target_id) if current.target_id is not None else None
        if target is None or target.state is State.REMOVING:
            target = databases.register(tx, context, live, Role.RESTORED, restore.id)
            store.update(tx, restore.id, {"target_id": target.id})
        return live, target


def _step(context: Context, restore: Restore, step: str) -> None:
    with context.transactions.begin() as tx:
        store.update(tx, restore.id, {"step": step})


def _failed(context: Context, restore: Restore, error: dict[str, str]) -> None:
    with context.transactions.begin() as tx:
        current = store.hold(tx, restore.id)
        target = databases.get(tx, current.target_id) if current is not None and current.target_id is not None else None
    if target is not None:
        try:
            databases.discard(context, target, still=lambda row: row.role is Role.RESTORED)
        except CanonryError as problem:  # the rounds come back to it
            _log.warning("what was restored for %s is not removed yet: %s", restore.id, problem)
    with context.transactions.begin() as tx:
        current = store.hold(tx, restore.id)
        if current is None:
            return
        store.update(tx, restore.id, {"state": str(Phase.FAILED), "error": error})
        happened = RestoreFailed(restore.organization_id, restore.project_id, restore.id, error["code"])
        tx.emit(happened, before=facts(current), after={**facts(current), "state": str(Phase.FAILED), "error": error})
