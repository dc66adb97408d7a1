"""A data folder that is made once for each PostgreSQL and then copied, so that a database is there at once."""

import secrets
from pathlib import Path

from canonry.core.errors import Unavailable
from canonry.infra import subprocess
from canonry.infra.files import remove_tree, sync_file_system, sync_folder
from canonry.infra.locks import locked
from canonry.infra.postgres import cluster
from canonry.infra.postgres.programs import runnable
from canonry.infra.sandbox import dying_with_us
from canonry.ports.clusters import SUPERUSER, WAL_SEGMENT_BYTES

DATABASE, OWNER = "app", "app"

_PREPARATION = f"""\
CREATE ROLE {OWNER} NOLOGIN;
CREATE DATABASE {DATABASE} OWNER {OWNER};
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;
"""


def ready_template(databases: Path, programs: Path) -> Path:
    """Return the template for these programs, made when it is not there. Raises: Unavailable `postgres_start_failed` | `disk_full`."""
    version = programs.parent.name.removeprefix("postgresql-")
    template = databases / f".template-{version}"
    if template.is_dir():
        return template
    databases.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(databases / ".template.lock", timeout=120, purpose="make the first database of this PostgreSQL"):
        if not template.is_dir():
            temporary = databases / f".template-{version}.{secrets.token_hex(6)}.tmp"
            try:
                _make(temporary, programs)
                temporary.rename(template)
            finally:
                remove_tree(temporary)
    return template


def take_spare(databases: Path, programs: Path, target: Path) -> bool:
    """Give `target` a copy of the template that was made beforehand; say whether there was one."""
    try:
        _spare(databases, programs).rename(target)
    except OSError:
        return False
    sync_folder(target.parent)
    return True


def has_spare(databases: Path, programs: Path) -> bool:
    """Say whether there is a copy for the next database."""
    return _spare(databases, programs).is_dir()


def make_spare(databases: Path, programs: Path) -> None:
    """Make a copy for the next database, unless there is one. Raises: as `copy_data`."""
    spare = _spare(databases, programs)
    with locked(databases / ".spare.lock", timeout=600, purpose="prepare the next database"):
        for left_over in databases.glob(f"{spare.name}.*.tmp"):
            remove_tree(left_over)
        if not spare.is_dir():
            copy_data(ready_template(databases, programs), spare)


def _spare(databases: Path, programs: Path) -> Path:
    return databases / f".spare-{programs.parent.name.removeprefix('postgresql-')}"


def copy_data(source: Path, target: Path) -> None:
    """Copy a data folder that nobody writes to; the copy is on the disk when this returns, or not there at all.

    Raises: Unavailable `disk_full` | `copy_failed`.
    """
    temporary = target.with_name(f"{target.name}.{secrets.token_hex(6)}.tmp")
    try:
        result = subprocess.run(dying_with_us(["cp", "-a", "--reflink=auto", "--", str(source), str(temporary)]), timeout=3600)
        if result.code != 0:
            raise copy_failed(result.err)
        sync_file_system(temporary)
        temporary.rename(target)
        sync_folder(target.parent)
    finally:
        remove_tree(temporary)


def copy_failed(text: str) -> Unavailable:
    """Return the error for what a program said that could not copy a data folder."""
    reason = "; ".join(text.strip().splitlines()[-2:]) or "it says nothing"
    if "No space left on device" in text:
        return Unavailable("disk_full", f"The disk is full: {reason}", hint="Free some disk space (canonry disk), then try again.")
    return Unavailable("copy_failed", f"The data cannot be copied: {reason}", hint="Read the reason, then try again.")


def _make(data: Path, programs: Path) -> None:
    cluster.initialize(data, programs, "--auth", "trust", "--wal-segsize", str(WAL_SEGMENT_BYTES >> 20), "--no-sync")
    argv = [str(programs / "postgres"), "--single", "-D", str(data), "-c", "io_method=sync", "-c", "log_checkpoints=off", "postgres"]
    result = subprocess.run(runnable(argv), timeout=120, stdin=_PREPARATION.encode(), env={"LC_ALL": "C", "TZ": "UTC"})
    if result.code != 0 or "ERROR" in result.err:
        raise cluster.init_failed(result.err)
    sync_file_system(data)


assert cluster.USER == SUPERUSER  # noqa: S101 -- the port names what initdb is told
