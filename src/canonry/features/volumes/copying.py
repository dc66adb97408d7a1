"""Copying a volume while its app writes, for backups.

The copying is done in a sandbox that sees the volume and the target and nothing else of the machine: an app may put a link to
anywhere into its volume, at any moment, and a database made to break whoever opens it.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from canonry.core.errors import CanonryError, Unavailable
from canonry.infra import calm_copy
from canonry.infra.sandbox import Bind, Sandbox, sandboxed, why_unavailable

_TIMEOUT = 6 * 3600.0
_FROM, _TO, _PROGRAM = "/volume", "/copy", "/calm_copy.py"


@dataclass(frozen=True)
class Copied:
    """files, bytes: what is in the copy. restless: files that the app never let be for long enough to copy them as of one moment."""

    files: int
    bytes: int
    restless: tuple[str, ...]


def copy(folder: Path, target: Path) -> Copied:
    """Copy what a volume holds into the empty folder `target` while its app may go on writing; `infra/calm_copy.py` says how whole it is.

    Blocks are shared where the file system can do that. Raises: Unavailable `volume_copy_failed`, `sandbox_unavailable`.
    """
    if reason := why_unavailable():
        raise Unavailable("sandbox_unavailable", f"This machine does not let Canonry copy a volume in a sandbox: {reason}",
                          hint="`canonry doctor` shows how to allow that.")  # fmt: skip
    python = Path(sys.base_prefix).resolve()
    binds = [Bind(Path(calm_copy.__file__), _PROGRAM), Bind(folder, _FROM), Bind(target, _TO, writable=True)]
    if not python.is_relative_to("/usr"):
        binds.insert(0, Bind(python, str(python)))
    program = [str(python / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"), "-I", "-S", _PROGRAM, _FROM, _TO]
    try:
        ended = subprocess.run(sandboxed(Sandbox(binds), program), capture_output=True, text=True, timeout=_TIMEOUT, check=False,
                               env={"LANG": "C.UTF-8"})  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(folder, str(error)) from error
    if ended.returncode != 0:
        raise _failed(folder, ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else f"it ended with {ended.returncode}")
    report = json.loads(ended.stdout)
    return Copied(report["files"], report["bytes"], tuple(report["restless"]))


def _failed(folder: Path, reason: str) -> CanonryError:
    return Unavailable("volume_copy_failed", f"The volume {folder.name} could not be copied: {reason}", hint="Is there room on the disk?")
