"""Pure decisions about dumps: whether one can be used, and by which server."""

from canonry.core.errors import CanonryError, Conflict, Unavailable
from canonry.features.backups.archiving.models import DatabaseBackup, State
from canonry.ports.disk import Space

UNREADABLE = frozenset({
    "backup_damaged", "backup_truncated", "backup_reordered", "backup_misplaced", "backup_missing", "object_missing",
})  # fmt: skip
"""Codes of errors which say that a dump is not in the archive as it was written, and never will be again."""
_OLDEST = 17  # pg_restore sets what older servers do not know
_MEBI = 1 << 20
_MOST_WAL = 1 << 30  # while it is loaded, everything is written twice, up to so much
_NO_ROOM = 64 << 20


def because_of_disk(error: CanonryError, space: Space) -> CanonryError:
    """Return what is behind an error of loading: a server that has no room for its WAL ends without saying so to whoever is connected."""
    if error.code != "backup_failed" or space.free > _NO_ROOM:
        return error
    return Unavailable("disk_full", f"The disk is full: {error.message}", hint="Free some disk space (canonry disk), then try again.")


def require_whole(dump: DatabaseBackup) -> DatabaseBackup:
    """Return a dump that is in the archive, as far as is known. Raises: Conflict `dump_not_ready`, `dump_failed`, `dump_unreadable`."""
    said = (dump.error or {}).get("message", "")
    if dump.state is State.RUNNING:
        raise Conflict("dump_not_ready", f"The dump {dump.id} is being made.", hint="Wait until it is done: canonry db dumps.")
    if dump.state is State.FAILED:
        raise Conflict("dump_failed", f"The dump {dump.id} could not be made: {said}", hint="Use another one: canonry db dumps.")
    if dump.error is not None:
        raise Conflict("dump_unreadable", f"The dump {dump.id} cannot be read any more: {said}",
                       hint="Use another one: canonry db dumps. Check the storage that holds the backups.")  # fmt: skip
    return dump


def require_loadable(dump_id: str, *, made_by: int, server: int) -> None:
    """Return when a server can load a dump. made_by, server: major versions. Raises: Conflict `dump_version`, `server_too_old`."""
    if made_by > server:
        raise Conflict("dump_version", f"The dump {dump_id} is of PostgreSQL {made_by}, and databases here are PostgreSQL {server}.",
                       hint=f"Load it into a PostgreSQL {made_by} or newer: canonry db dump {dump_id}, then pg_restore.")  # fmt: skip
    if server < _OLDEST:
        raise Conflict("server_too_old", f"The server is PostgreSQL {server}, and dumps are loaded into {_OLDEST} and newer.",
                       hint=f"Download it (canonry db dump {dump_id}), then: pg_restore --no-owner --no-privileges -f - FILE | "
                       "grep -v '^SET transaction_timeout' | psql URL, with a pg_restore of 18 or newer.")  # fmt: skip


def require_room(data_bytes: int, space: Space, reserve_mb: int) -> None:
    """Return when a database of that size fits on the disk, with what is kept free for all others. Raises: Unavailable `disk_full`."""
    left = space.free - reserve_mb * _MEBI
    needed = data_bytes + min(data_bytes, _MOST_WAL)
    if needed > left:
        raise Unavailable("disk_full", f"The dump needs about {needed // _MEBI} MiB, and {max(left, 0) // _MEBI} may be used.",
                          hint="Free some disk space (canonry disk), then try again. CANONRY_DISK_RESERVE is kept free.")  # fmt: skip
