"""Running other programs: argument lists only, always with a time limit, failures as errors of ours."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from canonry.core.errors import Unavailable
from canonry.core.settings import child_environment


@dataclass(frozen=True)
class Finished:
    """A program that has ended: its exit code and what it wrote."""

    code: int
    out: bytes
    err: str


def run(
    argv: Sequence[str], *, timeout: float, cwd: Path | None = None, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> Finished:
    """Run a program to its end and return what it wrote; any exit code is returned, not raised.

    timeout: seconds, then the program is killed. env: added to the small environment that tools get.
    Raises: Unavailable `program_missing` or `program_timeout`.
    """
    try:
        result = subprocess.run(
            list(argv), input=stdin, capture_output=True, timeout=timeout, check=False, cwd=cwd, env={**child_environment(), **(env or {})}
        )
    except FileNotFoundError as error:
        raise Unavailable("program_missing", f"{argv[0]} is not installed on this machine.", hint=f"Install {argv[0]}.") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable("program_timeout", f"{argv[0]} did not end within {timeout:g} s and was stopped.") from error
    return Finished(result.returncode, result.stdout, result.stderr.decode(errors="replace"))
