"""Canonry's own rows: WAL continuously, base backups daily, what may go."""

import re
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psycopg

from canonry.core.clock import now
from canonry.core.errors import Unavailable
from canonry.core.ids import new_id
from canonry.core.secret import Secret
from canonry.features.backups.instance.place import Place
from canonry.infra.backup import base, wal
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.base import BaseBackup
from canonry.infra.postgres.programs import unpack
from canonry.ports.clusters import Clusters

_DAILY = timedelta(hours=24)
_SWITCH_SECONDS = 60.0
_NAME = re.compile(r"[0-9A-F]{24}")


def newest_base(place: Place) -> BaseBackup | None:
    """Return the newest base backup of the rows. Raises: Conflict `backup_…`."""
    found = base.find_all(place.archive)
    return found[-1] if found else None


def base_of_today(place: Place, url: Secret, programs: Path, *, anew: bool = False) -> BaseBackup:
    """Return a base backup that is not older than a day, made now when there is none. anew: made now in any case.

    One of before a restore does not count: what was written since then stands on another timeline.
    """
    newest = newest_base(place)
    if newest is not None and not anew and now() - newest.ended < _DAILY and newest.timeline == _timeline(url):
        return newest
    return base.take(url, place.archive, programs, backup_id=new_id("bak"))


def close_gaps(place: Place, url: Secret, programs: Path, folder: Path) -> BaseBackup | None:
    """Where segments were let go because the archive was away for too long: begin anew behind them. None when none were."""
    if not wal.gaps(folder):
        return None
    wal.begin_closing(folder)
    made = base_of_today(place, url, programs, anew=True)
    wal.end_closing(folder)
    return made


def _timeline(url: Secret) -> int:
    try:
        with psycopg.connect(url.reveal(), autocommit=True, connect_timeout=15) as connection:
            row = connection.execute("SELECT timeline_id FROM pg_control_checkpoint()").fetchone()
    except psycopg.Error as error:
        raise Unavailable("backup_failed", f"PostgreSQL does not answer: {error}", hint="`canonry status` shows it.") from error
    return int(row[0]) if row else 0


def finish_segment(url: Secret, folder: Path) -> None:
    """See to it that everything committed by now is in the spool, or has left it already. Raises: Unavailable `backup_failed`."""
    try:
        with psycopg.connect(url.reveal(), autocommit=True, connect_timeout=15) as connection:
            connection.execute("SELECT pg_create_restore_point('canonry_backup')")  # else a segment with nothing new is not switched
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
            wanted, deadline = str(row[0] if row else ""), time.monotonic() + _SWITCH_SECONDS
            while time.monotonic() < deadline:
                done = connection.execute("SELECT last_archived_wal FROM pg_stat_archiver").fetchone()
                if (folder / "spool" / wanted).exists() or (done and done[0] and _NAME.match(done[0]) and done[0] >= wanted):
                    return
                time.sleep(0.05)
    except psycopg.Error as error:
        raise Unavailable("backup_failed", f"PostgreSQL did not finish its segment: {error}", hint="`canonry status` shows it.") from error
    raise Unavailable(
        "backup_failed", f"PostgreSQL did not archive {wanted} within {_SWITCH_SECONDS:g} s.",
        hint="Its log says why; after an upgrade it takes `canonry down` and `canonry up` once.",
    )  # fmt: skip


def bring_cluster(clusters: Clusters, archive: Archive, toolchains: Path) -> None:
    """See to it that what a project's database has written by now is in the archive. One that sleeps has written all of it.

    Raises: as `Objects.put`; Unavailable `backup_failed`.
    """
    state = clusters.state(archive.cluster)
    if not clusters.can_restore or state is None:
        return
    folder = clusters.folder(archive.cluster)
    if state.running:
        url = clusters.admin_url(archive.cluster)
        if not base.find_all(archive):
            base.take(url, archive, unpack(toolchains), backup_id=new_id("bak"))
        finish_segment(url, folder)
    with suppress(FileNotFoundError):  # the rounds take the same segments
        wal.ship(folder, archive)
    deadline = time.monotonic() + _SWITCH_SECONDS
    while time.monotonic() < deadline and any(not path.name.startswith(".") for path in (folder / "spool").glob("*")):
        time.sleep(0.1)
        with suppress(FileNotFoundError):
            wal.ship(folder, archive)


def drop_old(place: Place, days: int) -> None:
    """Remove what no restore to the last `days` days needs: base backups, their WAL, snapshots, and parts that none of the rest names."""
    backups = base.find_all(place.archive)
    old = [backup for backup in backups[:-1] if now() - backup.ended > timedelta(days=days)]
    old = old[:-1]  # the newest of the old ones is where a restore to the first of these days begins
    for backup in old:
        base.delete(place.archive, backup.id)
    kept = backups[len(old) :]
    if kept:
        first = kept[0].first_segment
        for segment in wal.segments(place.archive):
            if segment.number(kept[0].segment_bytes) < first:
                place.objects.delete(segment.key)
    _drop_snapshots(place, {backup.id for backup in old}, days)


def _drop_snapshots(place: Place, gone: set[str], days: int) -> None:
    ids = place.ids()
    oldest = f"{now() - timedelta(days=days):%Y%m%dT%H%M%SZ}"
    old = [snapshot_id for snapshot_id in ids[:-1] if snapshot_id < oldest]
    for snapshot_id in old:
        place.objects.delete(f"{place.prefix}/snapshots/{snapshot_id}")
    if not old and not gone:
        return
    needed = {key for snapshot_id in ids if snapshot_id not in old for key in place.load(snapshot_id).keys}
    for item in [*place.objects.list(f"{place.prefix}/parts"), *place.objects.list(f"{place.prefix}/repositories")]:
        if item.key not in needed and now() - item.modified > timedelta(hours=1):  # what is only just being sent belongs to the next one
            place.objects.delete(item.key)
