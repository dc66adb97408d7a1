"""A cluster's way to another major version: a new data folder, filled by pg_upgrade, takes the place of the old one."""

import secrets
import time
from pathlib import Path

from canonry.adapters.clusters.process import configuration
from canonry.adapters.clusters.process.folders import Place
from canonry.core.errors import Unavailable
from canonry.infra import subprocess
from canonry.infra.files import exchange, remove_tree, sync_file_system, sync_folder
from canonry.infra.postgres import cluster
from canonry.infra.postgres.programs import runnable
from canonry.infra.sandbox import ending_with_us
from canonry.ports.clusters import SUPERUSER, WAL_SEGMENT_BYTES, ClusterSpec

_PATIENCE = 6 * 3600.0  # seconds
_LONGEST_REASON = 2000  # characters
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}


def upgrade(place: Place, spec: ClusterSpec, old: Path, new: Path) -> None:
    """Move a stopped cluster's data from the programs in `old` to those in `new`. Until the last step its data stays as it is.

    initdb, pg_upgrade and the servers that they start end with us, whatever ends us. WAL from before cannot be replayed on what comes
    after, so this is a gap in the archive. Raises: Unavailable `upgrade_failed` | `disk_full` | `postgres_start_failed`.
    """
    made = place.folder / f"data.{secrets.token_hex(6)}.tmp"
    work = place.folder / f"upgrade.{secrets.token_hex(6)}.tmp"
    place.prepare()
    try:
        work.mkdir(mode=0o700)
        _require_exchange(work)
        bare = not _has_checksums(place.data, new)
        checksums = ["--no-data-checksums"] if bare else []  # the last one counts
        options = ["--auth", "trust", "--wal-segsize", str(WAL_SEGMENT_BYTES >> 20), "--no-sync", *checksums]
        cluster.initialize(made, new, *options, around=ending_with_us)
        # Nobody but the superuser gets in meanwhile, and the sockets lie in a folder of ours.
        configuration.write(place, spec, fresh=True, spool_limit=1)
        place.pid_file.unlink(missing_ok=True)  # of a server that certainly does not run
        _run([str(new / "pg_upgrade"), "--old-bindir", str(old), "--new-bindir", str(new), "--old-datadir", str(place.data),
              "--new-datadir", str(made), "--username", SUPERUSER, "--socketdir", str(place.run), "--no-sync",
              "--old-options", "-c archive_mode=off", "--new-options", "-c io_method=sync"], work, made)  # fmt: skip
        if bare:
            _run([str(new / "pg_checksums"), "--enable", "--no-sync", "--pgdata", str(made)], work, made)
        sync_file_system(made)
        _put_in_place(place, made)
    finally:
        remove_tree(work)
        remove_tree(made)


def _put_in_place(place: Place, made: Path) -> None:
    if place.spool.is_dir():  # first, because a gap that is none costs a base backup only
        with (place.spool / "GAP").open("a", encoding="utf-8") as file:
            file.write(f"{time.time():.0f} upgrade\n")
    exchange(place.data, made)  # whoever is killed here leaves the old data or the new, never none
    sync_folder(place.folder)


def _require_exchange(work: Path) -> None:
    """Find out whether two folders can be exchanged here before hours are spent. Raises: Unavailable `upgrade_failed`."""
    one, other = work / "one", work / "other"
    one.mkdir()
    other.mkdir()
    try:
        exchange(one, other)
    except OSError as error:
        raise Unavailable("upgrade_failed", f"An upgrade needs a disk that exchanges two folders in one step: {error.strerror}",
                          hint="Dump the database, move CANONRY_HOME to ext4, xfs or btrfs, and restore it there.") from error  # fmt: skip


def _has_checksums(data: Path, programs: Path) -> bool:
    control = subprocess.run([str(programs / "pg_controldata"), str(data)], timeout=60, env=_ENVIRONMENT)
    return b"Data page checksum version:           0\n" not in control.out


def _run(argv: list[str], work: Path, made: Path) -> None:
    result = subprocess.run(ending_with_us(runnable(argv)), timeout=_PATIENCE, cwd=work, env=_ENVIRONMENT)
    if result.code != 0:
        raise _failed(f"{result.out.decode(errors='replace')}{result.err}", _reports(made))


def _reports(made: Path) -> dict[str, str]:
    """Return what pg_upgrade wrote into files, which go when this is over: lists of what stands in the way, and logs, by name."""
    found = sorted((made / "pg_upgrade_output.d").glob("*/**/*.*"))
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in found if path.suffix in {".txt", ".log"}}


def _failed(text: str, reports: dict[str, str]) -> Unavailable:
    if any("No space left on device" in part for part in (text, *reports.values())):
        return Unavailable("disk_full", "The disk is full; the database is as it was.", hint="Free some disk space, then try again.")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.rstrip().endswith("ok")]
    lists = [" ".join(content.split()) for name, content in reports.items() if name.endswith(".txt")]
    reason = "; ".join([*lines[-6:], *lists])[:_LONGEST_REASON]
    return Unavailable("upgrade_failed", f"The database cannot be upgraded and is as it was: {reason}",
                       hint="Read the reason; mend it in the database, then try again.")  # fmt: skip
