"""A copy of a cluster: of a stopped one by copying its files, of a running one by a base backup over its socket."""

import secrets
from pathlib import Path

from canonry.adapters.clusters.process import template
from canonry.adapters.clusters.process.folders import Place
from canonry.infra import subprocess
from canonry.infra.files import remove_tree, sync_file_system, sync_folder
from canonry.infra.sandbox import dying_with_us
from canonry.ports.clusters import SUPERUSER

_PATIENCE = 6 * 3600.0  # seconds


def copy_running(source: Place, target: Path, programs: Path) -> None:
    """Copy the data of a running cluster as it is at the end of this; the copy is whole on the disk, or not there at all.

    Raises: Unavailable `disk_full` | `copy_failed`.
    """
    temporary = target.with_name(f"{target.name}.{secrets.token_hex(6)}.tmp")
    argv = [str(programs / "pg_basebackup"), "--pgdata", str(temporary), "--host", str(source.run), "--port", "5432",
            "--username", SUPERUSER, "--no-password", "--checkpoint", "fast",
            "--wal-method", "stream", "--no-sync", "--no-manifest"]  # fmt: skip
    try:
        password = source.password.read_text(encoding="utf-8").strip()
        result = subprocess.run(dying_with_us(argv), timeout=_PATIENCE, env={"PGPASSWORD": password, "LC_ALL": "C"})
        if result.code != 0:
            raise template.copy_failed(result.err)
        sync_file_system(temporary)
        temporary.rename(target)
        sync_folder(target.parent)
    finally:
        remove_tree(temporary)
