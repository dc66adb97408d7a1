"""The data folder of a PostgreSQL: made whole or not at all, its settings, its version; and the password of Canonry's own."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from canonry.core.errors import Conflict, Unavailable
from canonry.core.secret import Secret
from canonry.infra import subprocess
from canonry.infra.files import remove_tree, sync_folder, write_atomic
from canonry.infra.postgres.programs import major_version, runnable

USER = "canonry"
SEGMENT_MB = 4  # of WAL: small, because each minute of writing ends one
_OWN_SPOOL = 512 << 20  # bytes that the archive may be behind
# $1: the segment; $2: its name. A segment is in the spool whole or not at all. When the spool is full it is let go, and that is written
# down: the database goes on, and a new base backup closes the gap.
_ARCHIVE = """\
spool=../spool
cmp -s "$1" "$spool/$2" && exit 0
set -- "$1" "$2" "$spool"/*
if [ $(($# - 2)) -ge {limit} ]; then echo "$(date +%s) $2" >> "$spool/GAP"; exit 0; fi
cp "$1" "$spool/.$2.tmp" && sync "$spool/.$2.tmp" && mv "$spool/.$2.tmp" "$spool/$2" && sync "$spool" && exit 0
rm -f "$spool/.$2.tmp"
exit 1
"""
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "superuser_reserved_connections": "3",
    "shared_buffers": "24MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "256MB",
    "min_wal_size": "48MB",
    "wal_compression": "lz4",
    "max_wal_senders": "3",
    "max_worker_processes": "4",
    "max_logical_replication_workers": "0",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_worker_slots": "3",
    "autovacuum_max_workers": "2",
    "io_method": "sync",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "scram_iterations": "4096",
    "fsync": "on",
    "full_page_writes": "on",
    "restart_after_crash": "on",
    "recovery_init_sync_method": "syncfs",  # one call instead of one for each of a thousand files, which all wait for the disk's journal
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "15min",
}

_SINCE = {"autovacuum_worker_slots": 18, "io_method": 18, "summarize_wal": 17, "scram_iterations": 16}  # the version that brought a setting


def create(folder: Path, programs: Path) -> None:
    """Make `folder/data` of Canonry's own PostgreSQL unless it is there. Raises: Unavailable `postgres_init_failed`, OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left_over in folder.glob("data.*.tmp"):
        remove_tree(left_over)
    if (folder / "data").is_dir():
        return
    password_file = folder / "password"
    if not password_file.is_file():
        write_atomic(password_file, secrets.token_urlsafe(32) + "\n", mode=0o600)
    temporary = folder / f"data.{secrets.token_hex(6)}.tmp"
    try:
        initialize(temporary, programs, "--pwfile", str(password_file), "--auth", "scram-sha-256", "--wal-segsize", str(SEGMENT_MB))
        temporary.rename(folder / "data")
        sync_folder(folder)
    finally:
        remove_tree(temporary)


def initialize(data: Path, programs: Path, *options: str, around: Callable[[Sequence[str]], list[str]] = list) -> None:
    """Make a data folder with initdb: UTF-8, checksums, superuser `canonry`. around: what the command line is put into.

    Raises: Unavailable `postgres_start_failed` | `disk_full`.
    """
    argv = [str(programs / "initdb"), "--pgdata", str(data), "--username", USER, "--encoding", "UTF8", "--locale", "C",
            "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--data-checksums", "--no-instructions", *options]  # fmt: skip
    result = subprocess.run(around(runnable(argv)), timeout=120, env={"LC_ALL": "C", "TZ": "UTC"})
    if result.code != 0:
        raise init_failed(result.err)


def version_of(data: Path) -> int:
    """Return the major version that a data folder belongs to. Raises: OSError, ValueError when it is none."""
    return int((data / "PG_VERSION").read_text(encoding="utf-8"))


def require_version(data: Path, programs: Path) -> None:
    """Return when these programs can serve this data. Raises: Conflict `database_version`."""
    found, ours = version_of(data), major_version(programs)
    if found != ours:
        raise Conflict(
            "database_version", f"The data in {data} belongs to PostgreSQL {found}; this Canonry brings PostgreSQL {ours}.",
            hint=f"Start it once more with the Canonry that brought PostgreSQL {found}: its programs then lie in `toolchains` of the "
            "home, and a later Canonry goes on with them.",
        )  # fmt: skip


def write_settings(data: Path, run: Path, extra: Mapping[str, str]) -> None:
    """Write postgresql.conf. What an administrator wants different goes to `local.conf` beside the data folder, which is read last.

    A setting that the data's version does not know yet is left out: with it that server would not start.
    """
    settings, version = {**_SETTINGS, "unix_socket_directories": f'"{run}"', **extra}, version_of(data)
    lines = [f"{name} = '{_quoted(value)}'" for name, value in settings.items() if _SINCE.get(name, 0) <= version]
    if (data.parent / "local.conf").is_file():
        lines.append("include '../local.conf'")
    text = "\n".join(["# Written by Canonry at every start; put changes into ../local.conf", *lines, ""])
    write_atomic(data / "postgresql.conf", text, mode=0o600, sync=False)


def archive_script(*, limit: int) -> str:
    """Return the program that keeps a finished segment in `../spool` beside the data folder. limit: how many may wait there."""
    return _ARCHIVE.format(limit=max(limit, 1))


def archiving(folder: Path) -> dict[str, str]:
    """Make ready what Canonry's own PostgreSQL needs to keep its segments for the archive, and return its settings for that."""
    (folder / "spool").mkdir(mode=0o700, exist_ok=True)
    write_atomic(folder / "archive.sh", archive_script(limit=_OWN_SPOOL // (SEGMENT_MB << 20)), sync=False)
    return {
        "archive_mode": "on",
        "archive_command": 'sh ../archive.sh "%p" "%f"',
        "archive_timeout": "55",  # and a second or two on the way: a minute at most is lost
    }


def password(folder: Path) -> Secret:
    """Return the superuser's password. Raises: Conflict `database_password_missing`."""
    try:
        return Secret((folder / "password").read_text(encoding="utf-8").strip())
    except FileNotFoundError as error:
        raise Conflict("database_password_missing", f"{folder / 'password'} is missing, but the data is there.",
                       hint="Put the file back from a backup of the home folder.") from error  # fmt: skip


def init_failed(text: str) -> Unavailable:
    """Return the error for what initdb or postgres printed, with its reason told apart where it is known."""
    lines = [re.sub(r"^\S+ \S+ \S+ \[\d+\] \w+:\s+", "", line) for line in text.strip().splitlines() if line.strip()]
    reason = "; ".join(lines[-2:]) or "it says nothing"
    if "No space left on device" in text:
        return Unavailable("disk_full", f"PostgreSQL cannot write: {reason}", hint="Free some disk space and start again.")
    hint = "Read the reason; `canonry doctor` checks this machine."
    if "bwrap" in text or "user namespace" in text:
        hint = "As root Canonry needs user namespaces for PostgreSQL. Start it as an ordinary user, or set CANONRY_DATABASE_URL."
    return Unavailable("postgres_start_failed", f"PostgreSQL does not start: {reason}", hint=hint)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
