"""The data folder of Canonry's own PostgreSQL: made whole or not at all, its settings, its password."""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from canonry.core.errors import Conflict, Unavailable
from canonry.core.secret import Secret
from canonry.infra import subprocess
from canonry.infra.files import remove_tree, sync_folder, write_atomic
from canonry.infra.postgres.programs import runnable

USER = "canonry"
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
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "15min",
}


def create(folder: Path, programs: Path) -> None:
    """Make `folder/data` with initdb unless it is there. Raises: Unavailable `postgres_init_failed`, OSError."""
    data = folder / "data"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left_over in folder.glob("data.*.tmp"):
        remove_tree(left_over)
    if data.is_dir():
        return
    password_file = folder / "password"
    if not password_file.is_file():
        write_atomic(password_file, secrets.token_urlsafe(32) + "\n", mode=0o600)
    temporary = folder / f"data.{secrets.token_hex(6)}.tmp"
    argv = [str(programs / "initdb"), "--pgdata", str(temporary), "--username", USER, "--pwfile", str(password_file), "--encoding", "UTF8",
            "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--auth", "scram-sha-256",
            "--data-checksums", "--no-instructions"]  # fmt: skip
    try:
        result = subprocess.run(runnable(argv), timeout=120, env={"LC_ALL": "C", "TZ": "UTC"})
        if result.code != 0:
            raise init_failed(result.err)
        temporary.rename(data)
        sync_folder(folder)
    finally:
        remove_tree(temporary)


def require_version(folder: Path, programs: Path) -> None:
    """Return when these programs can serve this data. Raises: Conflict `database_version`."""
    found = (folder / "data" / "PG_VERSION").read_text(encoding="utf-8").strip()
    ours = programs.parent.name.removeprefix("postgresql-").split(".")[0]
    if found != ours:
        raise Conflict(
            "database_version", f"The data in {folder / 'data'} belongs to PostgreSQL {found}; this Canonry brings PostgreSQL {ours}.",
            hint=f"Use the Canonry that brought PostgreSQL {found}, or dump with it, move the folder away, start and restore.",
        )  # fmt: skip


def write_settings(folder: Path, run: Path, extra: Mapping[str, str]) -> None:
    """Write postgresql.conf. What an administrator wants different goes to `postgres/local.conf`, which is read last."""
    settings = {**_SETTINGS, "unix_socket_directories": f'"{run}"', **extra}
    lines = [f"{name} = '{_quoted(value)}'" for name, value in settings.items()]
    if (folder / "local.conf").is_file():
        lines.append("include '../local.conf'")
    text = "\n".join(["# Written by Canonry at every start; put changes into ../local.conf", *lines, ""])
    write_atomic(folder / "data" / "postgresql.conf", text, mode=0o600, sync=False)


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
