"""Running PostgreSQL's own programs, their output as a stream; how they connect stands in their environment, where nobody else reads it."""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from canonry.core.secret import Secret
from canonry.core.settings import child_environment
from canonry.infra.backup import errors

_PIECE = 1 << 20
_VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
              "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}  # fmt: skip


def connection_environment(url: Secret) -> dict[str, str]:
    """Return the variables that let a program of PostgreSQL connect there."""
    parts = conninfo_to_dict(url.reveal())
    known = {variable: str(parts[name]) for name, variable in _VARIABLES.items() if parts.get(name) not in {None, ""}}
    return {**known, "PGCONNECT_TIMEOUT": "15", "PGAPPNAME": "canonry backup"}


def output_of(argv: Sequence[str], environment: Mapping[str, str], *, doing: str) -> Iterator[bytes]:
    """Yield what a program writes. Its end is part of it: an error after the last byte is raised like one before.

    When the reader stops early the program is ended. doing: in words, for the error.
    Raises: Unavailable `backup_failed` | `disk_full`.
    """
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**child_environment(), "LC_ALL": "C", **environment},
        )
        if child.stdout is None:  # cannot be: it is a pipe
            raise errors.failed(doing, "no output")
        try:
            while piece := child.stdout.read(_PIECE):
                yield piece
            code = child.wait()
        finally:
            child.stdout.close()
            if child.poll() is None:
                child.terminate()
                child.wait()
        if code != 0:
            raise errors.failed(doing, _text(said))


def feed(argv: Sequence[str], environment: Mapping[str, str], chunks: Iterator[bytes], *, doing: str) -> None:
    """Run a program that reads what `chunks` hold. Raises: as `output_of`, and what `chunks` raises."""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            list(argv), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said,
            env={**child_environment(), "LC_ALL": "C", **environment},
        )  # fmt: skip
        if child.stdin is None:  # cannot be: it is a pipe
            raise errors.failed(doing, "no input")
        try:
            for chunk in chunks:
                child.stdin.write(chunk)
            child.stdin.close()
        except BrokenPipeError:
            pass  # it ended early: its own words say why
        except BaseException:
            child.kill()
            raise
        finally:
            _close(child.stdin)
            code = child.wait()
        if code != 0:
            raise errors.failed(doing, _text(said))


def program(programs: Path, name: str) -> str:
    """Return the path of one of PostgreSQL's programs."""
    return str(programs / name)


def _close(pipe: object) -> None:
    try:
        pipe.close()  # type: ignore[attr-defined]  # a pipe
    except BrokenPipeError:
        return


def _text(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]  # a temporary file
    return str(file.read(65_536).decode(errors="replace"))  # type: ignore[attr-defined]
