"""Use cases: making a backup of a database, keeping its segments, removing what has had its time.

Everything here may be done twice and is called without a transaction; the library that does the work is imported only then.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from canonry.core.clock import now
from canonry.core.errors import CanonryError
from canonry.core.ids import new_id
from canonry.features import databases
from canonry.features.backups.archiving import store
from canonry.features.backups.archiving.events import ArchiveGapFound, DatabaseBackedUp, DatabaseBackupFailed, DatabaseBackupRemoved
from canonry.features.backups.archiving.models import DatabaseBackup, Due, Kind
from canonry.features.backups.context import Context
from canonry.features.databases import Database
from canonry.infra.postgres.programs import unpack
from canonry.infra.tx import Tx

if TYPE_CHECKING:
    from canonry.infra.backup.archive import Archive

_log = logging.getLogger(__name__)
_GRACE = timedelta(days=1)  # kept beyond what is promised, so that a restore that has begun finds what it needs


def archive_of(context: Context, cluster: str) -> "Archive":
    """Return where the backups of a cluster lie, with the key. Raises: NotFound, Conflict `backup_key_…`."""
    from canonry.infra.backup.archive import Archive  # noqa: PLC0415 -- not needed in an idle process
    from canonry.infra.backup.key import load_key  # noqa: PLC0415 -- likewise

    file = context.settings.backups_key_file
    return Archive(context.ports.objects, load_key(Path(file) if file else context.home.backups_key), cluster)


def ship(context: Context, database: Database) -> None:
    """Send what waits in a database's spool; note what it had to let go. Raises: as `Objects`; Conflict `wal_conflict`."""
    from canonry.infra.backup import wal  # noqa: PLC0415 -- as said above

    shipped = wal.ship(context.ports.clusters.folder(database.cluster_id), archive_of(context, database.cluster_id))
    if shipped.gaps:
        with context.transactions.begin() as tx:
            new = [gap for gap in shipped.gaps if store.note_gap(tx, database, gap.segment, gap.at)]
            if new:
                tx.emit(ArchiveGapFound(database.organization_id, database.project_id, database.id), before=None,
                        after={"segments": len(new), "from": new[0].at.isoformat(), "to": new[-1].at.isoformat()})  # fmt: skip


def make(context: Context, database: Database, due: Due, *, backup_id: str = "") -> DatabaseBackup | None:
    """Make a backup and note how that went; None when another of this database is being made. An error of it is noted, not raised."""
    backup_id = backup_id or new_id("dbk")
    with context.transactions.begin() as tx:
        if not store.begin(tx, backup_id, database, due):
            return None
    try:
        changes = _dump(context, database, backup_id) if due.kind is Kind.DUMP else _base(context, database, backup_id, due)
    except CanonryError as error:
        return _ended(context, backup_id, {"state": "failed", "error": _words(error)})
    except BaseException:
        _ended(
            context,
            backup_id,
            {"state": "failed", "error": {"code": "interrupted", "message": "Canonry was stopped meanwhile.", "hint": ""}},
        )
        raise
    return _ended(context, backup_id, {"state": "done", **changes})


def fail_interrupted(context: Context) -> None:
    """Note that what was running when Canonry was killed has failed; it is made again."""
    with context.transactions.begin() as tx:
        left = store.running(tx)
    for backup in left:
        error = {"code": "interrupted", "message": "Canonry was killed meanwhile.", "hint": "It is made again."}
        _ended(context, backup.id, {"state": "failed", "error": error})


def clear(context: Context, database: Database) -> None:
    """Remove backups and segments of a database that nothing promised needs. Raises: as `Objects`; Conflict `backup_…`."""
    from canonry.infra.backup import dump, retention  # noqa: PLC0415 -- as said above

    archive = archive_of(context, database.cluster_id)
    moment = now()
    days = context.settings.backups_days
    horizon = moment - timedelta(days=days) - _GRACE
    gone = list(retention.clear(archive, now=moment - _GRACE, days=days).backups) if context.ports.clusters.can_restore else []
    for found in dump.find_all(archive):
        if found.at < horizon:
            dump.delete(archive, found.id)
            gone.append(found.id)
    with context.transactions.begin() as tx:
        _forget(tx, gone)
        store.delete_failed(tx, database.cluster_id, horizon)
        store.delete_gaps(tx, database.cluster_id, horizon)


def clear_abandoned(context: Context) -> None:
    """Remove all there is of databases that were deleted as long ago as moments are kept. Raises: as `Objects`."""
    with context.transactions.begin() as tx:
        clusters = store.abandoned(tx, now() - timedelta(days=context.settings.backups_days) - _GRACE)
    for cluster in clusters:
        for kind in ("base", "dump", "wal"):
            for item in context.ports.objects.list(f"{kind}/{cluster}"):
                context.ports.objects.delete(item.key)
        with context.transactions.begin() as tx:
            _forget(tx, [backup.id for backup in store.of_clusters(tx, [cluster])[cluster]])
            store.delete_gaps(tx, cluster, now())


def _base(context: Context, database: Database, backup_id: str, due: Due) -> dict[str, Any]:
    from canonry.infra.backup import base, wal  # noqa: PLC0415 -- as said above

    clusters = context.ports.clusters
    clusters.wake(database.cluster_id)
    archive, folder = archive_of(context, database.cluster_id), clusters.folder(database.cluster_id)
    began = now()
    wal.begin_closing(folder)
    programs, url = unpack(context.home.toolchains), clusters.admin_url(database.cluster_id)
    kind = due.kind
    try:
        parent = base.load(archive, due.parent_id) if due.parent_id is not None else None
        made = base.take(url, archive, programs, backup_id=backup_id, parent=parent)
    except CanonryError as error:
        if kind is not Kind.INCREMENTAL or error.code not in {"backup_failed", "backup_missing"}:
            raise
        _log.warning("database %s: instead of an incremental backup a full one is made: %s", database.id, error)
        kind = Kind.FULL  # the summaries of WAL do not reach back to its parent, as after an upgrade
        made = base.take(url, archive, programs, backup_id=backup_id)
    wal.end_closing(folder)
    with context.transactions.begin() as tx:
        store.close_gaps(tx, database.cluster_id, began)
    return {"kind": str(kind), "parent_id": made.parent, "point_at": made.point_at, "size_bytes": made.size, "data_bytes": made.data_bytes,
            "rows": {name: dict(tables) for name, tables in made.point.counts.items()}, "exact": made.point.exact}  # fmt: skip


def _dump(context: Context, database: Database, backup_id: str) -> dict[str, Any]:
    from canonry.infra.backup import dump  # noqa: PLC0415 -- as said above

    clusters = context.ports.clusters
    clusters.wake(database.cluster_id)
    url = clusters.admin_url(database.cluster_id, clusters.names(database.cluster_id).database)
    made = dump.take(
        url, archive_of(context, database.cluster_id), unpack(context.home.toolchains), dump_id=backup_id,
        login=databases.counting_login(context.vault, clusters, database),
    )  # fmt: skip
    return {"point_at": made.at, "size_bytes": made.size, "data_bytes": made.data_bytes, "rows": {made.database: dict(made.counts)}}


def _ended(context: Context, backup_id: str, changes: Mapping[str, object]) -> DatabaseBackup | None:
    with context.transactions.begin() as tx:
        backup = store.end(tx, backup_id, changes)
        if backup is None:
            return None
        kind = DatabaseBackedUp if changes["state"] == "done" else DatabaseBackupFailed
        tx.emit(kind(backup.organization_id, backup.project_id, backup.id), before=None, after=_facts(backup))
    return backup


def _forget(tx: Tx, backup_ids: list[str]) -> None:
    for backup in store.delete(tx, backup_ids):
        tx.emit(DatabaseBackupRemoved(backup.organization_id, backup.project_id, backup.id), before=_facts(backup), after=None)


def _facts(backup: DatabaseBackup) -> dict[str, Any]:
    values = asdict(backup)
    return {name: str(values[name]) for name in ("kind", "trigger", "state")} | {
        "database_id": backup.database_id, "size_bytes": backup.size_bytes, "error": dict(backup.error) if backup.error else None
    }  # fmt: skip


def _words(error: CanonryError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "hint": error.hint}
