"""A cluster's way to another major version: a new data folder, filled by pg_upgrade, takes the place of the old one."""

import secrets
import time
from pathlib import Path

from canonry.adapters.clusters.process import configuration, template
from canonry.adapters.clusters.process.folders import Place
from canonry.core.errors import Unavailable
from canonry.infra import subprocess
from canonry.infra.files import remove_tree, sync_folder
from canonry.infra.postgres import cluster
from canonry.infra.postgres.programs import runnable
from canonry.ports.clusters import SUPERUSER, WAL_SEGMENT_BYTES, ClusterSpec

_PATIENCE = 6 * 3600.0  # seconds


def upgrade(place: Place, spec: ClusterSpec, old: Path, new: Path) -> None:
    """Move a stopped cluster's data from the programs in `old` to those in `new`. Until the last step its data stays as it is.

    WAL from before cannot be replayed on what comes after, so this is a gap in the archive. Raises: Unavailable `upgrade_failed` |
    `disk_full`.
    """
    made = place.folder / f"data.{secrets.token_hex(6)}.tmp"
    work = place.folder / f"upgrade.{secrets.token_hex(6)}.tmp"
    place.prepare()
    try:
        work.mkdir(mode=0o700)
        cluster.initialize(made, new, "--auth", "trust", "--wal-segsize", str(WAL_SEGMENT_BYTES >> 20), "--no-sync")
        # Nobody but the superuser gets in meanwhile, and the sockets lie in a folder of ours.
        configuration.write(place, spec, fresh=True, spool_limit=1)
        argv = [str(new / "pg_upgrade"), "--old-bindir", str(old), "--new-bindir", str(new), "--old-datadir", str(place.data),
                "--new-datadir", str(made), "--username", SUPERUSER, "--socketdir", str(place.run), "--no-sync",
                "--old-options", "-c archive_mode=off", "--new-options", "-c io_method=sync"]  # fmt: skip
        result = subprocess.run(runnable(argv), timeout=_PATIENCE, cwd=work, env={"LC_ALL": "C", "TZ": "UTC"})
        if result.code != 0:
            raise _failed(result.out.decode(errors="replace") + result.err)
        template.sync_file_system(made)
        _put_in_place(place, made)
    finally:
        remove_tree(work)
        remove_tree(made)


def _put_in_place(place: Place, made: Path) -> None:
    before = place.folder / f"data.{secrets.token_hex(6)}.tmp"
    place.data.rename(before)
    made.rename(place.data)
    sync_folder(place.folder)
    if place.spool.is_dir():
        with (place.spool / "GAP").open("a", encoding="utf-8") as file:
            file.write(f"{time.time():.0f} upgrade\n")
    remove_tree(before)


def _failed(text: str) -> Unavailable:
    if "No space left on device" in text:
        return Unavailable("disk_full", "The disk is full; the database is as it was.", hint="Free some disk space, then try again.")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.rstrip().endswith("ok")]
    return Unavailable("upgrade_failed", f"The database cannot be upgraded and is as it was: {'; '.join(lines[-6:])}",
                       hint="Read the reason; mend it in the database, then try again.")  # fmt: skip
