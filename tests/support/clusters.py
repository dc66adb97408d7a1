"""Real PostgreSQL clusters, bare and small, as backups know them: with a spool of segments, a socket, a superuser with a password.

Fixtures: `bare_clusters` (makes any number; each is stopped afterwards), `postgres_programs` (the folder of its programs).
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil
import psycopg
import pytest

from canonry.core.secret import Secret
from canonry.core.settings import child_environment
from canonry.infra.files import remove_tree
from canonry.infra.postgres import Postgres, cluster
from canonry.infra.postgres.programs import runnable, unpack
from tests.support.waiting import until

_ARCHIVE = """\
if [ -e ../FULL ]; then echo "$(date +%s) $2" >> ../spool/GAP; exit 0; fi
cp -p "$1" "../spool/.$2.tmp" && mv "../spool/.$2.tmp" "../spool/$2"
"""


@dataclass
class BareCluster:
    """One server. folder: `data/`, `spool/`, `run/`."""

    folder: Path
    programs: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data"

    @property
    def spool(self) -> Path:
        """Where its segments wait."""
        return self.folder / "spool"

    def url(self, database: str = "postgres") -> Secret:
        """Return the superuser's address."""
        options = urlencode({"host": str(self.folder / "run"), "port": 5432}, quote_via=quote)
        return Secret(f"postgresql://{cluster.USER}@/{database}?{options}")

    def prepare(self, *, buffers: str = "16MB", **settings: str) -> None:
        """Write its settings."""
        for name in ("spool", "run"):
            (self.folder / name).mkdir(exist_ok=True, mode=0o700)
        (self.folder / "archive.sh").write_text(_ARCHIVE)
        own = {"archive_mode": "on", "archive_command": 'sh ../archive.sh "%p" "%f"', "archive_timeout": "60", "summarize_wal": "on",
               "wal_level": "replica", "max_wal_senders": "4", "max_replication_slots": "2", "shared_buffers": buffers}  # fmt: skip
        cluster.write_settings(self.data, self.folder / "run", {**own, **settings})
        (self.data / "pg_hba.conf").write_text("local all all trust\nlocal replication all trust\n")

    def start(self, timeout: float = 120) -> None:
        """Start it and wait until it takes writes."""
        for left in (self.data / "postmaster.pid", *(self.folder / "run").iterdir()):
            left.unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                runnable([str(self.programs / "postgres"), "-D", str(self.data)]), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**child_environment(), "LC_ALL": "C", "TZ": "UTC"},
            )  # fmt: skip
        deadline = time.monotonic() + timeout
        while True:
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
            try:
                if self.ask("SELECT pg_is_in_recovery()") == [(False,)]:
                    return
            except psycopg.OperationalError:
                pass
            time.sleep(0.02)

    def stop(self, how: int = signal.SIGINT) -> None:
        """End it: fast, or as another signal says. Its backends, which outlive a killed postmaster for a moment, are gone as well."""
        if self._process is None:
            return
        backends: list[psutil.Process] = []
        if self._process.poll() is None and (pid := self.pid()) is not None:
            backends = psutil.Process(pid).children()
            os.kill(pid, how)
        self._process.wait(60)
        self._process = None
        until(lambda: not any(_is_alive(backend) for backend in backends))

    def pid(self) -> int | None:
        """Return the postmaster's pid as we see it."""
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    def ask(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Carry out a statement."""
        with psycopg.connect(self.url(database).reveal(), autocommit=True, connect_timeout=10) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def switch(self) -> str:
        """End the current segment, wait until it is in the spool, and return its name."""
        self.ask("SELECT pg_logical_emit_message(false, 'test', 'so that there is something to switch from')")
        name = str(self.ask("SELECT pg_walfile_name(pg_switch_wal())")[0][0])
        deadline = time.monotonic() + 60
        while str(self.ask("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver")[0][0])[8:24] < name[8:]:
            assert time.monotonic() < deadline, "not archived"
            time.sleep(0.02)
        return name


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class BareClusters:
    """Makes clusters below one folder. templates: where data that was never started is kept, to be copied: `initdb` takes a second."""

    def __init__(self, root: Path, programs: Path, templates: Path) -> None:
        self.root, self.programs, self.templates = root, programs, templates
        self.made: list[BareCluster] = []
        self._copied: set[Path] = set()

    def new(self, name: str = "main", *, segment_mb: int = 1, **settings: str) -> BareCluster:
        """Make one with data of its own and start it."""
        if (template := self.templates / f"{segment_mb} MB") not in self._copied:
            self._copied.add(template)
            if not template.exists():
                cluster.initialize(template, self.programs, "--auth", "trust", "--wal-segsize", str(segment_mb), "--no-sync")
            made = self._at(name)
            shutil.copytree(template, made.data)
        else:  # two clusters of one test are no copies of each other
            made = self._at(name)
            made.folder.mkdir()
            cluster.initialize(made.data, self.programs, "--auth", "trust", "--wal-segsize", str(segment_mb), "--no-sync")
        made.prepare(**settings)
        made.start()
        return made

    def around(self, data: Path, name: str, **settings: str) -> BareCluster:
        """Start one on a data folder that was restored, and wait until its recovery has ended."""
        made = self._at(name)
        made.folder.mkdir()
        data.rename(made.data)
        made.prepare(**settings)
        made.start()
        return made

    def _at(self, name: str) -> BareCluster:
        made = BareCluster(self.root / name, self.programs)
        self.made.append(made)
        return made


@pytest.fixture(scope="session")
def postgres_programs(postgres_server: Postgres) -> Path:
    """Give the folder of PostgreSQL's programs."""
    return unpack(postgres_server.home.toolchains)


@pytest.fixture(scope="session")
def bare_data() -> Iterator[Path]:
    """Give the folder for data of clusters that all tests copy."""
    root = Path(tempfile.mkdtemp(prefix="pg templates "))
    yield root
    remove_tree(root)


@pytest.fixture
def bare_clusters(postgres_programs: Path, bare_data: Path) -> Iterator[BareClusters]:
    """Give a maker of clusters."""
    root = Path(tempfile.mkdtemp(prefix="pg "))
    clusters = BareClusters(root, postgres_programs, bare_data)
    try:
        yield clusters
    finally:
        for made in clusters.made:
            made.stop(signal.SIGQUIT)
        remove_tree(root)
