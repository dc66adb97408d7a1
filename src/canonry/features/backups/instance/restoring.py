"""An empty home becomes the Canonry that an archive holds. Nothing of it is started for good; `canonry up` does that.

From the first step to the last a marker lies in the home, and no command starts a home that has it. A restore that was killed begins
anew: all that lies beside the marker is what an earlier attempt wrote, for it is only ever laid into an empty home.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from canonry.core.errors import CanonryError, Conflict, NotFound, Unavailable
from canonry.core.paths import Home
from canonry.features.backups.instance import packing, repositories
from canonry.features.backups.instance.models import Snapshot
from canonry.features.backups.instance.place import Place
from canonry.infra.backup import base, restoring
from canonry.infra.files import remove_tree, sync_file_system, write_atomic
from canonry.infra.postgres import Postgres
from canonry.infra.postgres.programs import require_of_version
from canonry.ports.clusters import Clusters

type Say = Callable[[str], None]

_RECOVERY_SECONDS = 3600.0
_LIVE = """SELECT p.slug, d.environment, r.artifact_id FROM deployments d JOIN releases r ON r.id = d.release_id
    JOIN projects p ON p.id = d.project_id WHERE d.status = 'live' ORDER BY 1, 2"""
_CLUSTERS = "SELECT cluster_id, role = 'live' FROM databases WHERE role IN ('live', 'retired') AND state = 'active' ORDER BY 1"


@dataclass(frozen=True)
class RestoredHome:
    """What came back. rows: whether Canonry's own rows were in the archive. missing: live sites whose files are in no snapshot."""

    snapshot: Snapshot
    rows: bool
    clusters: int
    repositories: int
    missing: tuple[str, ...]


def restore(place: Place, snapshot: Snapshot, home: Home, clusters: Clusters, say: Say) -> RestoredHome:
    """Bring everything back into `home`, which is empty or was left half-restored.

    Raises: Conflict `home_not_empty`, `backup_wrong_key`, `backup_damaged`, …; NotFound `backup_part_missing`, naming the part; OSError.
    """
    begin(home)
    require_parts(place, snapshot)
    home.create()
    _require_programs(place, snapshot, home)
    for number, part in enumerate(snapshot.parts, 1):
        say(f"{number} of {len(snapshot.parts)}: {part.kind} {part.path}".rstrip())
        packing.unpack(place.archive.get(part.key), home.root, part.key)
    for bundled in snapshot.repositories:
        say(f"repository {bundled.path}")
        repositories.unbundle(home.root, bundled, place.archive)
    wanted, missing = _rows(place, home, say) if snapshot.base else (snapshot.clusters, ())
    for cluster in wanted:
        say(f"database {cluster}")
        _cluster(place, cluster, home, clusters)
    _write_settings(snapshot, home)
    write_atomic(home.backups_key, place.key.text.reveal() + "\n", mode=0o600)  # what is backed up from now on, the same key opens
    sync_file_system(home.root)
    home.half_restored.unlink()
    return RestoredHome(snapshot, bool(snapshot.base), len(wanted), len(snapshot.repositories), missing)


def begin(home: Home) -> None:
    """Mark the home as half-restored and make it empty. Raises: Conflict `home_not_empty` when it was not and has no marker; OSError."""
    entries = sorted(entry.name for entry in home.root.iterdir()) if home.root.is_dir() else []
    if home.half_restored.name not in entries and entries:
        shown = ", ".join(entries[:4])
        raise Conflict("home_not_empty", f"{home.root} is not empty: it holds {shown}{', …' if len(entries) > 4 else ''}.",
                       hint="Name a folder that is not there yet with --home. A restore never writes over anything.")  # fmt: skip
    home.root.mkdir(mode=0o711, parents=True, exist_ok=True)
    write_atomic(home.half_restored, "A restore into this folder is under way, or did not come to its end.\n")
    for name in entries:
        if name != home.half_restored.name:
            remove_tree(home.root / name)


def require_parts(place: Place, snapshot: Snapshot) -> None:
    """Return when everything that the snapshot names is in the archive. Raises: NotFound `backup_part_missing`, naming what is not."""
    there = {item.key for folder in ("parts", "repositories") for item in place.objects.list(f"{place.prefix}/{folder}")}
    lost = [f"{part.kind} {part.path or 'of the home'} ({part.key})" for part in snapshot.parts if part.key not in there]
    lost += [f"{item.path} ({key})" for item in snapshot.repositories for key in item.bundles if key not in there]
    if snapshot.base and not base.find_all(place.archive):
        lost.append(f"Canonry's own rows (base/{place.archive.cluster})")
    if lost:
        raise NotFound("backup_part_missing", f"The backup {snapshot.id} lacks {len(lost)} of its parts: {'; '.join(lost[:5])}.",
                       hint="Bring the files back to the archive, or choose an older backup: canonry backup ls.")  # fmt: skip


def _require_programs(place: Place, snapshot: Snapshot, home: Home) -> None:
    """Return when the PostgreSQL of every version that the backup needs is here. Raises: Conflict `database_version`."""
    own = ((place.archive, f"What Canonry {snapshot.version} has backed up"),) if snapshot.base else ()
    for archive, what in (*own, *((place.of_cluster(cluster), f"The database {cluster}") for cluster in snapshot.clusters)):
        for backup in base.find_all(archive)[-1:]:
            require_of_version(home.toolchains, backup.version, what)


def _rows(place: Place, home: Home, say: Say) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Bring Canonry's own rows back to the latest there is; return the clusters they name, and the live sites whose files are missing."""
    backup = base.choose(base.find_all(place.archive), None)
    programs = require_of_version(home.toolchains, backup.version, "Canonry's own PostgreSQL in this backup")
    say(f"rows, from the base backup of {backup.ended:%Y-%m-%d %H:%M:%S} UTC on")
    restored = restoring.restore(place.archive, backup, home.postgres / "data", until="latest", programs=programs)
    if restored.archived_until is not None:
        say(f"rows reach {restored.archived_until:%Y-%m-%d %H:%M:%S} UTC")
    postgres = Postgres(home, archive=True)  # so that the archive learns of the timeline that begins here
    try:
        postgres.ensure()
        named, live = _look(postgres)
    finally:
        postgres.stop()
    missing = tuple(f"{slug} ({environment})" for slug, environment, artifact in live if not (home.artifacts / artifact).is_dir())
    # One that a promote replaced was in the archive while it was live; a copy of before an upgrade never was.
    clusters = tuple(cluster for cluster, is_live in named if is_live or base.find_all(place.of_cluster(cluster)))
    return clusters, missing


def _look(postgres: Postgres) -> tuple[list[tuple[str, bool]], list[tuple[str, str, str]]]:
    """Return the clusters there are to be, each with whether it is live, and the artifacts of what is live (slug, environment, id)."""
    deadline = time.monotonic() + _RECOVERY_SECONDS
    try:
        with psycopg.connect(postgres.url.reveal(), autocommit=True, connect_timeout=15) as connection:
            while time.monotonic() < deadline:
                row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
                if row is not None and not row[0]:
                    clusters = [(str(row[0]), bool(row[1])) for row in connection.execute(_CLUSTERS).fetchall()]
                    return clusters, [(str(row[0]), str(row[1]), str(row[2])) for row in connection.execute(_LIVE).fetchall()]
                time.sleep(0.1)
    except psycopg.Error as error:
        raise Unavailable("restore_failed", f"PostgreSQL does not answer after the restore: {error}", hint="Run it again.") from error
    raise Unavailable("restore_failed", f"PostgreSQL still recovers after {_RECOVERY_SECONDS:g} s.", hint="Run it again.")


def _cluster(place: Place, cluster: str, home: Home, clusters: Clusters) -> None:
    archive = place.of_cluster(cluster)
    try:
        backup = base.choose(base.find_all(archive), None)
    except CanonryError as error:
        if error.code != "no_backup_then":
            raise
        raise NotFound("backup_part_missing", f"The archive has no base backup of the database {cluster}.",
                       hint="Bring its files (base and wal) back to the archive.") from error  # fmt: skip
    work = home.databases / f".restored-{cluster}"
    programs = require_of_version(home.toolchains, backup.version, f"The database {cluster}")
    restoring.restore(archive, backup, work, until="latest", programs=programs)
    clusters.adopt(cluster, work)


def _write_settings(snapshot: Snapshot, home: Home) -> None:
    """Leave the settings that this Canonry had where whoever restores finds them. They may hold secrets: 0600."""
    lines = [f"{name}={_quoted(value)}" for name, value in sorted(snapshot.settings.items())]
    text = "\n".join(["# Settings of the Canonry that was restored here, of those that differ from the defaults.", *lines, ""])
    write_atomic(settings_file(home), text, mode=0o600)


def settings_file(home: Home) -> Path:
    """Return where the settings of a restored Canonry are written down."""
    return home.root / "settings.restored.env"


def _quoted(value: str) -> str:
    return json.dumps(value) if any(letter in value for letter in " \"'$#\\\n") else value
