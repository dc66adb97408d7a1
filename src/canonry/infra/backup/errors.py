"""Errors of backups, each told apart."""

from canonry.core.errors import CanonryError, Conflict, Unavailable


def damaged(name: str, what: str) -> Conflict:
    """A stored file is not what was written."""
    return Conflict("backup_damaged", f"{name} is damaged: {what}.", hint="Use another backup, and check the storage that holds this one.")


def truncated(name: str, what: str) -> Conflict:
    """A stored file ends too early."""
    return Conflict(
        "backup_truncated", f"{name} is cut off: {what}.", hint="Use another backup, and check the storage that holds this one."
    )


def reordered(name: str, what: str) -> Conflict:
    """Pieces of a stored file stand in another order."""
    return Conflict("backup_reordered", f"{name} was put together wrongly: {what}.", hint="Use another backup: somebody changed this one.")


def misplaced(name: str) -> Conflict:
    """A stored file was written under another name."""
    return Conflict(
        "backup_misplaced", f"{name} was written under another name.", hint="Give the files in the archive their own names back."
    )


def wrong_key(name: str, needed: str, ours: str) -> Conflict:
    """A stored file was sealed with another key."""
    return Conflict(
        "backup_wrong_key", f"{name} was sealed with the key {needed}, and ours is {ours}.",
        hint="Give the key of the Canonry that made the backup (backups.key in its home) as CANONRY_BACKUPS_KEY_FILE.",
    )  # fmt: skip


def failed(doing: str, said: str) -> CanonryError:
    """A program of PostgreSQL did not do its work; `said`: what it wrote."""
    lines = [line.strip() for line in said.strip().splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line.lower() or "fatal:" in line.lower()]
    reason = "; ".join((telling or lines[-3:])[:3]) or "it says nothing"
    if "No space left on device" in said:
        return Unavailable(
            "disk_full", f"The disk is full: {doing} failed: {reason}", hint="Free some disk space (canonry disk), then try again."
        )
    return Unavailable("backup_failed", f"{doing[0].upper()}{doing[1:]} failed: {reason}", hint="Read the reason, then try again.")
