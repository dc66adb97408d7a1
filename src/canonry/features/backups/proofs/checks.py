"""What is looked at in a restored backup, one check after the other; none of them ends the drill."""

from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from canonry.core.errors import CanonryError
from canonry.core.secret import Secret
from canonry.features.backups.proofs.models import Check
from canonry.infra import subprocess
from canonry.infra.backup.base import BaseBackup
from canonry.infra.backup.counting import count
from canonry.infra.backup.programs import connection_environment
from canonry.infra.postgres.programs import runnable

_PATIENCE = 4 * 3600.0  # seconds for one program
_ASSERT_SECONDS = 60
_CALMLY = ("nice", "-n", "19")


def tried(name: str, look: Callable[[], Check]) -> Check:
    """Return what a check found; one that could not be made is one that failed."""
    try:
        return look()
    except CanonryError as error:
        return Check(name, ok=False, detail=f"{error.code}: {error.message}")
    except (psycopg.Error, OSError) as error:
        return Check(name, ok=False, detail=str(error).strip() or type(error).__name__)


def rows(url: Secret, backup: BaseBackup) -> Check:
    """Compare the rows of every table with what they were when the backup was made."""
    found = count(url)
    wrong = backup.point.differing(found)
    if wrong:
        return Check("rows", ok=False, detail="; ".join(wrong))
    tables = sum(len(tables) for tables in found.values())
    total = sum(number or 0 for tables in found.values() for number in tables.values())
    return Check("rows", ok=True, detail=f"{total} rows in {tables} tables" + ("" if backup.point.exact else ", within bounds"))


def structure(url: Secret, programs: Path) -> Check:
    """Let pg_amcheck read every table and every index of every database."""
    argv = runnable([*_CALMLY, str(programs / "pg_amcheck"), "--all", "--install-missing", "--heapallindexed", "--no-password"])
    done = subprocess.run(argv, timeout=_PATIENCE, env=connection_environment(url))
    said = f"{done.out.decode(errors='replace')}\n{done.err}".strip()
    return Check("structure", ok=done.code == 0, detail="pg_amcheck finds nothing" if done.code == 0 else said)


def assertion(url: Secret, login: str, password: Secret, statement: str) -> Check:
    """Ask the project's own question, as the app and without writing: one row with one value that is true."""
    conninfo = make_conninfo(url.reveal(), user=login, password=password.reveal())
    with psycopg.connect(conninfo, connect_timeout=10, application_name="canonry-drill") as connection:
        connection.execute(sql.SQL("SET TRANSACTION READ ONLY"))
        connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(f"{_ASSERT_SECONDS}s")))
        with connection.cursor("canonry_assert") as cursor:  # the server keeps what it finds, however many rows that are
            found = cursor.execute(statement.encode()).fetchmany(2)
    if found == [(True,)]:
        return Check("assertion", ok=True, detail="true")
    return Check("assertion", ok=False, detail=f"canonry.toml's [database] assert gives {_shown(found)}, not one row with true")


def checksums(data: Path, programs: Path) -> Check:
    """Let pg_checksums read every block. The cluster has to be stopped."""
    done = subprocess.run(runnable([*_CALMLY, str(programs / "pg_checksums"), "--check", "-D", str(data)]), timeout=_PATIENCE)
    said = f"{done.out.decode(errors='replace')}\n{done.err}".strip()
    blocks = next((line.rpartition(":")[2].strip() for line in said.splitlines() if line.startswith("Blocks scanned")), "?")
    return Check("checksums", ok=done.code == 0, detail=f"{blocks} blocks" if done.code == 0 else said)


def _shown(found: Sequence[tuple[object, ...]]) -> str:
    if not found:
        return "no row"
    return "several rows" if len(found) > 1 else f"{len(found[0])} columns" if len(found[0]) != 1 else repr(found[0][0])[:100]
