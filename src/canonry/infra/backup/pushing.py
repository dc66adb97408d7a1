"""Bringing everything that a running cluster has committed into the archive, now."""

import time
from pathlib import Path

import psycopg

from canonry.core.errors import Unavailable
from canonry.core.secret import Secret
from canonry.infra.backup import errors, wal
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.wal import Shipped

_PAUSE = 0.02


def push(url: Secret, folder: Path, archive: Archive, *, patience: float = 30.0) -> Shipped:
    """End the cluster's current segment, wait until it lies in the spool, and send what is there.

    Afterwards a restore to any moment before the call is complete. url: of a superuser.
    Raises: Unavailable `backup_failed` when the cluster does not answer or does not archive within `patience` seconds, or let
    the segment go; as `wal.ship`.
    """
    try:
        with psycopg.connect(url.reveal(), autocommit=True, connect_timeout=15, application_name="canonry backup") as connection:
            # Without a record behind the last switch there would be nothing to switch from, and nothing to wait for.
            connection.execute("SELECT pg_logical_emit_message(false, 'canonry', 'push')")
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
            wanted = str(row[0]) if row else ""
            deadline = time.monotonic() + patience
            while True:
                row = connection.execute("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver").fetchone()
                if row and str(row[0])[8:24] >= wanted[8:]:
                    break
                if time.monotonic() > deadline:
                    raise Unavailable("backup_failed", f"The database did not give its segment {wanted} out within {patience:g} s.",
                                      hint="Look into its log; is its disk full?")  # fmt: skip
                time.sleep(_PAUSE)
    except psycopg.Error as error:
        raise errors.failed("bringing the latest changes into the archive", str(error)) from error
    shipped = wal.ship(folder, archive)
    if any(gap.segment == wanted for gap in shipped.gaps):
        raise Unavailable("backup_failed", f"The database had to let its segment {wanted} go, because too many waited for the archive.",
                          hint="Make a base backup: it closes the gap.")  # fmt: skip
    return shipped
