"""A PostgreSQL of an older major version, from Debian's package: its programs, and data as a Canonry that brought it would have left."""

import os
import shutil
import subprocess
from pathlib import Path

from canonry.infra.postgres.programs import runnable
from canonry.ports.clusters import SUPERUSER, WAL_SEGMENT_BYTES

_INSTALLED = Path("/usr/lib/postgresql")
_MAJOR = "15"
_APT = ["apt-get", "install", "--yes", "--no-install-recommends", f"postgresql-{_MAJOR}"]
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")  # of the package: whether it starts a server of its own
_PREPARATION = b"CREATE ROLE app NOLOGIN;\nCREATE DATABASE app OWNER app;\n"


def older_programs(toolchains: Path) -> Path:
    """Return PostgreSQL 15's programs below `toolchains`, as if an earlier Canonry had unpacked them; installed when they are missing."""
    folder = _INSTALLED / _MAJOR
    if not (folder / "bin" / "pg_upgrade").is_file():
        _install()
    link = toolchains / f"postgresql-{_MAJOR}.0"
    if not link.is_symlink():
        toolchains.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)
    return link / "bin"


def older_data(data: Path, programs: Path, *, checksums: bool = True) -> None:
    """Make a data folder of that version, with the app's database in it."""
    options = ["--data-checksums"] if checksums else []
    _call([str(programs / "initdb"), "--pgdata", str(data), "--username", SUPERUSER, "--encoding", "UTF8", "--locale", "C",
           "--auth", "trust", "--wal-segsize", str(WAL_SEGMENT_BYTES >> 20), "--no-sync", *options])  # fmt: skip
    _call([str(programs / "postgres"), "--single", "-D", str(data), "postgres"], _PREPARATION)


def _install() -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise AssertionError(f"The tests of upgrades need PostgreSQL {_MAJOR}: sudo {' '.join(_APT)}")
    if not _NO_CLUSTER.exists():
        _NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
        _NO_CLUSTER.write_text("create_main_cluster = false\n", encoding="utf-8")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment)
    subprocess.run([*_APT, "-o", "Dpkg::Options::=--force-confold"], check=True, env=environment)


def _call(argv: list[str], stdin: bytes = b"") -> None:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
    done = subprocess.run(runnable(argv), input=stdin, capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    assert b"ERROR" not in done.stderr, done.stderr.decode()
