"""Which moments of a database can be reached, and its data folder as it was at one of them: what the archive is asked for.

A database has the history of the one it replaced too, when it was promoted, and of one that was deleted before it was made: both lie in the
archive under the other one's name.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import psycopg

from canonry.core.clock import now
from canonry.core.errors import CanonryError, Unavailable
from canonry.features.backups.archiving import store as archiving
from canonry.features.backups.context import Context
from canonry.features.backups.points import service as points
from canonry.features.backups.restores import archives, store
from canonry.features.backups.restores.models import Restore
from canonry.features.backups.restores.rules import Covered, Reach, reach_of
from canonry.features.databases import Database
from canonry.features.projects import Project
from canonry.infra.tx import Tx
from canonry.ports.clusters import WAL_SEGMENT_BYTES

_PATIENCE = 60.0  # seconds until the newest changes have to be in the archive
_PAUSE = 0.1


def reach(context: Context, database: Database) -> Sequence[Reach]:
    """Return the spans of time that a database can be restored to, oldest first. Raises: Unavailable, when the archive does not answer."""
    with context.transactions.begin() as tx:
        former = _former(tx, database)
    found: list[Reach] = []
    for cluster, until in [*former, (database.cluster_id, None)]:
        found += _reach_of(context, database, cluster, until)
    return sorted(found, key=lambda item: (item.start, item.end))


def of_backup(tx: Tx, project: Project, database: Database, backup_id: str) -> datetime | None:
    """Return the moment of a backup of the project or of its database; None when it holds no database. Raises: NotFound."""
    kept = None if "\0" in backup_id else archiving.find(tx, project.organization_id, project.id, backup_id)
    if kept is not None and kept.cluster_id in {database.cluster_id, *(cluster for cluster, _until in _former(tx, database))}:
        return kept.point_at
    return points.find(tx, project, backup_id).database_at


def bring_up_to_date(context: Context, database: Database) -> None:
    """Let the archive have all that was committed until now; what cannot be had of a database that does not run is not waited for.

    Raises: Unavailable `archive_behind`, and when the archive does not answer.
    """
    clusters = context.ports.clusters
    try:
        clusters.wake(database.cluster_id)
        with psycopg.connect(clusters.admin_url(database.cluster_id).reveal(), autocommit=True, connect_timeout=10) as admin:
            # A commit of ours stands behind everything that was committed: where recovery to this moment has to stop is known by it.
            admin.execute("SELECT pg_logical_emit_message(true, 'canonry', 'restore')")
            row = admin.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
            newest = str(row[0]) if row is not None else ""
            deadline = time.monotonic() + _PATIENCE
            while not _is_archived(context, database, admin, newest):
                if time.monotonic() > deadline:
                    raise Unavailable("archive_behind", "The newest changes of the database do not come into the archive.",
                                      hint="Look at canonry doctor; an earlier moment may be in it already.")  # fmt: skip
                time.sleep(_PAUSE)
        _require_kept(context, database, newest)
    except (psycopg.Error, CanonryError) as error:
        if isinstance(error, CanonryError) and error.code.startswith("archive_"):
            raise
        archives.ship(context, database)  # it does not run: what it has left behind is all there is


def lay_out(context: Context, cluster: str, restore: Restore, work: Path) -> Path:
    """Return a data folder in `work`, a folder that is not there yet, as a cluster was at the moment of a restore.

    Raises: NotFound `no_backup_then`, `backup_missing`; Conflict `backup_…`, `wal_gap`; Unavailable `disk_full`.
    """
    from canonry.infra.backup import base, restoring  # noqa: PLC0415 -- not needed while nothing is restored

    archive = archives.of_cluster(context, cluster)
    found = base.find_all(archive)
    named = next((backup for backup in found if backup.id == restore.backup_id), None)
    chosen = named or base.choose(found, restore.at)
    until: restoring.Until = "end" if named is not None else restore.at
    restoring.restore(archive, chosen, work / "data", until=until, programs=archives.programs_of(context, chosen))
    return work / "data"


def _former(tx: Tx, database: Database) -> list[tuple[str, datetime]]:
    """Return what was live in the project before this database, as the archive calls it, each with until when: replaced, or deleted."""
    replaced = store.replaced_by(tx, database.id)
    known = {cluster for cluster, _until in replaced}
    deleted = [cluster for cluster in archiving.deleted_clusters(tx, database.project_id) if cluster not in known]
    return [*((cluster, now()) for cluster in deleted), *replaced]


def _reach_of(context: Context, database: Database, cluster: str, until: datetime | None) -> list[Reach]:
    from canonry.infra.backup import base, wal  # noqa: PLC0415 -- likewise

    archive = archives.of_cluster(context, cluster)
    begun = [
        Covered(backup.ended, backup.point_at, backup.timeline, backup.last_segment, len(backup.wal)) for backup in base.find_all(archive)
    ]
    segments = [(item.timeline, item.number(WAL_SEGMENT_BYTES), item.at) for item in wal.segments(archive)]
    open_end = now() if until is None and not wal.gaps(context.ports.clusters.folder(cluster)) and _answers(context, database) else None
    return [
        Reach(span.start, min(span.end, until) if until is not None else span.end, cluster)
        for span in reach_of(begun, segments, open_end)
        if until is None or span.start < until
    ]


def _answers(context: Context, database: Database) -> bool:
    state = context.ports.clusters.state(database.cluster_id)
    return state is not None and (state.running or state.asleep)


def _require_kept(context: Context, database: Database, newest: str) -> None:
    """Return when the cluster did not let this segment go: one that had no room for it counts as archived all the same.

    Raises: Unavailable `archive_behind`.
    """
    from canonry.infra.backup import wal  # noqa: PLC0415 -- not needed while nothing is restored

    if any(gap.segment == newest for gap in wal.gaps(context.ports.clusters.folder(database.cluster_id))):
        raise Unavailable("archive_behind", "The database had to let its newest changes go, because too many waited for the archive.",
                          hint="Make a base backup first (canonry db backup): it closes the gap.")  # fmt: skip


def _is_archived(context: Context, database: Database, admin: "psycopg.Connection[tuple[object, ...]]", newest: str) -> bool:
    """Say whether the cluster has given everything up to this segment out of its hands, and send that to the archive."""
    row = admin.execute("SELECT last_archived_wal >= %s FROM pg_stat_archiver", (newest,)).fetchone()
    given = row is not None and row[0] is True
    with suppress(FileNotFoundError):  # the rounds send it at the same moment
        archives.ship(context, database)
        return given
    return False
