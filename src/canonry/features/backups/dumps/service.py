"""Use cases: list the dumps of a project's databases, look at one, download it."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import CanonryError, NotFound
from canonry.core.paging import Page, cut
from canonry.features import projects
from canonry.features.backups.archiving import store
from canonry.features.backups.archiving.events import DatabaseBackupUnreadable
from canonry.features.backups.archiving.models import DatabaseBackup, Kind
from canonry.features.backups.archiving.service import archive_of
from canonry.features.backups.context import Context
from canonry.features.backups.dumps.events import DumpDownloaded
from canonry.features.backups.dumps.rules import UNREADABLE, require_whole
from canonry.infra.tx import Tx


@dataclass(frozen=True)
class Content:
    """What a dump holds, in pieces, and what a file of it is called. Whoever stops early closes the pieces."""

    name: str
    pieces: Generator[bytes]


def listed(tx: Tx, actor: Actor, key: str, wanted: Page) -> tuple[Sequence[DatabaseBackup], str | None]:
    """Return one page of the dumps of a project's databases, newest first, and the next cursor."""
    project = projects.find(tx, actor, key)
    return cut(store.page(tx, project.organization_id, project.id, wanted, kind=Kind.DUMP), wanted)


def find(tx: Tx, actor: Actor, key: str, dump_id: str) -> DatabaseBackup:
    """Return a dump of a project. Raises: NotFound `project_not_found`, `dump_not_found`."""
    require(actor, Permission.PROJECTS_READ)
    project = projects.find(tx, actor, key)
    found = None if "\0" in dump_id else store.find(tx, project.organization_id, project.id, dump_id)
    if found is None or found.kind is not Kind.DUMP:
        raise NotFound("dump_not_found", f"{project.slug} has no dump {dump_id[:60]!r}.", hint="`canonry db dumps` lists them.")
    return found


def read(context: Context, actor: Actor, key: str, dump_id: str) -> Content:
    """Return what a dump holds, as pg_restore reads it. What can be found wrong at its beginning is raised here, not later.

    Raises: NotFound `dump_not_found`, `object_missing`; Conflict `dump_…`, `backup_…`; Unavailable `archive_unreachable`.
    """
    from canonry.infra.backup import dump  # noqa: PLC0415 -- not needed while nothing is read

    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        project = projects.find(tx, actor, key)
        found = require_whole(find(tx, actor, key, dump_id))
    pieces = _noting(context, found, dump.content(archive_of(context, found.cluster_id), found.id))
    first = next(pieces, b"")
    with context.transactions.begin() as tx:
        tx.emit(DumpDownloaded(found.organization_id, found.project_id, found.id), after={"size_bytes": found.size_bytes})
    made = found.point_at or found.started_at
    return Content(f"{project.slug}-{made:%Y%m%d-%H%M%S}.dump", _behind(first, pieces))


def note_unreadable(context: Context, found: DatabaseBackup, error: CanonryError) -> None:
    """Keep why a dump cannot be read, when it never will be again, so that it is shown before somebody needs it."""
    if error.code not in UNREADABLE:
        return
    why = {"code": error.code, "message": error.message, "hint": error.hint}
    with context.transactions.begin() as tx:
        if store.note_unreadable(tx, found.id, why):
            tx.emit(DatabaseBackupUnreadable(found.organization_id, found.project_id, found.id, error.code), before=None, after=why)


def _noting(context: Context, found: DatabaseBackup, pieces: Generator[bytes]) -> Generator[bytes]:
    try:
        with closing(pieces):
            yield from pieces
    except CanonryError as error:
        note_unreadable(context, found, error)
        raise


def _behind(first: bytes, pieces: Generator[bytes]) -> Generator[bytes]:
    with closing(pieces):
        yield first
        yield from pieces
