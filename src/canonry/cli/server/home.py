"""The home folder, made ready: every way in which it may be unusable is its own error."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canonry.core.errors import CanonryError, Conflict, Denied, Invalid, Unavailable
from canonry.core.paths import Home
from canonry.core.settings import Settings

_SPACE_NEEDED = 160 << 20  # bytes; programs, a new database and its first log take about that much
_LEAST_SPACE = 24 << 20
_UNUSABLE = set('"$`\\,{}')  # initdb runs a shell, libpq splits at commas, Caddy replaces what stands in braces


def prepare_home(settings: Settings) -> Home:
    """Make the home folder and what must be in it, and return it.

    Raises: Invalid `home_path_unusable`, Denied `home_not_writable`, Unavailable `disk_full`.
    """
    root = settings.home_path
    if bad := sorted({letter for letter in str(root) if letter in _UNUSABLE or not letter.isprintable()}):
        raise Invalid("home_path_unusable", f"The home folder {root} has characters in its path that do not work: {' '.join(bad)}",
                      hint="Choose another folder with --home.")  # fmt: skip
    home = Home(root)
    require_whole(home)
    with explained(root):
        home.create()
        probe = root / f".probe.{secrets.token_hex(4)}.tmp"
        probe.write_bytes(b"x")
        probe.unlink()
        _require_own(home.run)
        _require_space(home)
    return home


def require_whole(home: Home) -> None:
    """Return when no restore into this home was left half-way. Raises: Conflict `half_restored`."""
    if home.half_restored.exists():
        raise Conflict("half_restored", f"A restore into {home.root} did not come to its end: what is there is not whole.",
                       hint="Run the same `canonry restore` again: it begins anew.")  # fmt: skip


@contextmanager
def explained(place: Path) -> Iterator[None]:
    """Turn what the operating system says about files inside the block into errors a person can act on."""
    try:
        yield
    except OSError as error:
        raise explain(error, place) from error


def explain(error: OSError, place: Path) -> CanonryError:
    """Return the error for a failed operation on files at or below `place`."""
    path = error.filename or place
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Unavailable(
            "disk_full", f"There is no space left to write {path}.", hint=f"Free some space on the disk of {place}, then start again."
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return Denied("home_not_writable", f"{path} cannot be written: {error.strerror}.",
                      hint="Give this user the folder, or choose another one with --home.")  # fmt: skip
    if error.errno in {errno.ENOTDIR, errno.EEXIST, errno.ENOENT, errno.ELOOP, errno.ENAMETOOLONG}:
        return Denied(
            "home_not_writable", f"{place} cannot be used as a folder: {error.strerror} ({path}).", hint="Choose another one with --home."
        )
    return Unavailable(
        "system_refused", f"The system refused an operation on {path}: {error.strerror}.", hint="`canonry doctor` checks this machine."
    )


def _require_own(run: Path) -> None:
    """Refuse a folder of sockets that somebody else made before us: it may lie in /tmp."""
    status = run.lstat()
    if status.st_uid != os.getuid() or not run.is_dir() or run.is_symlink():
        raise Denied("home_not_writable", f"{run} belongs to somebody else.", hint="Choose a home folder with a shorter path.")
    if status.st_mode & 0o077:
        run.chmod(0o700)


def _require_space(home: Home) -> None:
    needed = _LEAST_SPACE if (home.postgres / "data").is_dir() else _SPACE_NEEDED
    free = shutil.disk_usage(home.root).free
    if free < needed:
        raise Unavailable("disk_full", f"The disk of {home.root} has {free >> 20} MiB left; Canonry needs {needed >> 20} MiB to start.",
                          hint="Free some space, or choose another folder with --home.")  # fmt: skip
