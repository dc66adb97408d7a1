"""Use cases: ask for a database as it was, look at it, promote it, undo that, discard it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import psycopg

from canonry.core.access import Actor, Permission, require
from canonry.core.clock import now
from canonry.core.environments import PRODUCTION
from canonry.core.errors import Conflict, NotFound, Unavailable
from canonry.core.ids import new_id
from canonry.core.paging import Page, cut
from canonry.features import databases, projects
from canonry.features.backups.context import Context
from canonry.features.backups.dumps import service as dumps
from canonry.features.backups.dumps.rules import require_whole
from canonry.features.backups.restores import moments, store
from canonry.features.backups.restores.events import PromoteRequested, RestoreDiscarded, RestoreRequested, UndoRequested
from canonry.features.backups.restores.models import Phase, Restore
from canonry.features.backups.restores.queue import CLEAR, EXCHANGE, PREPARE
from canonry.features.backups.restores.rules import (
    MOST_READY,
    Span,
    facts,
    require_discardable,
    require_reachable,
    require_ready,
    require_undoable,
)
from canonry.features.databases import Database
from canonry.features.projects import Project
from canonry.infra.tx import Tx


def spans(context: Context, actor: Actor, key: str) -> Sequence[Span]:
    """Return the spans of time that the database of a project can be restored to, oldest first. Raises: NotFound; Unavailable."""
    with context.transactions.begin() as tx:
        database = databases.find(tx, actor, key)
    _require_restorable(context)
    return moments.reach(context, database)


def request(context: Context, actor: Actor, key: str, *, at: datetime | None, backup: str | None) -> Restore:
    """Ask for the database of a project as it was at a moment, or in a backup.

    Raises: NotFound `database_not_found`, `backup_not_found`; Invalid `moment_out_of_reach`; Conflict `restore_in_progress`,
    `too_many_restores`, `backup_without_database`; Unavailable `not_on_outside_server`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        project = projects.find(tx, actor, key)
        database = databases.find(tx, actor, key)
        _require_restorable(context)
        moment = at if backup is None else moments.of_backup(tx, project, database, backup)
    if moment is None:
        raise Conflict("backup_without_database", "That backup holds no database: the project had none then.", hint="Choose another one.")
    require_reachable(moment, moments.reach(context, database))
    return _begun(context, actor, project, database, {"at": moment, "backup_id": backup})


def request_dump(context: Context, actor: Actor, key: str, dump_id: str) -> Restore:
    """Ask for what a dump of the project's holds, beside the live database.

    Raises: NotFound `database_not_found`, `dump_not_found`; Conflict `dump_not_ready`, `restore_in_progress`, `too_many_restores`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        project = projects.find(tx, actor, key)
        database = databases.find(tx, actor, key)
        dump = require_whole(dumps.find(tx, actor, key, dump_id))
    return _begun(context, actor, project, database, {"at": dump.point_at or dump.started_at, "dump_id": dump.id})


def _begun(context: Context, actor: Actor, project: Project, database: Database, what: Mapping[str, object]) -> Restore:
    restore_id = new_id("rst")
    with context.transactions.begin() as tx:
        if len(store.of_phase(tx, project.id, [Phase.READY])) >= MOST_READY:
            raise Conflict("too_many_restores", f"{project.slug} has {MOST_READY} restored databases beside the live one already.",
                           hint="Promote one, or discard one: canonry db discard.")  # fmt: skip
        row = {"id": restore_id, "organization_id": project.organization_id, "project_id": project.id, "environment": PRODUCTION,
               "database_id": database.id, "state": str(Phase.PREPARING), "step": "waiting", "created_by": actor.user_id or None,
               **what}  # fmt: skip
        _under_way(tx, project, lambda: store.insert(tx, row))
        made = _find(tx, project, restore_id)
        tx.emit(RestoreRequested(project.organization_id, project.id, restore_id), after=facts(made))
        tx.enqueue(PREPARE, project_id=project.id, restore_id=restore_id)
        return made


def page(tx: Tx, actor: Actor, key: str, wanted: Page) -> tuple[Sequence[Restore], str | None]:
    """Return one page of the restores of a project, newest first, and the next cursor."""
    return cut(store.page(tx, projects.find(tx, actor, key).id, wanted), wanted)


def find(tx: Tx, actor: Actor, key: str, restore_id: str) -> Restore:
    """Return a restore of a project. Raises: NotFound `project_not_found`, `restore_not_found`."""
    require(actor, Permission.PROJECTS_READ)
    return _find(tx, projects.find(tx, actor, key), restore_id)


def promote(tx: Tx, actor: Actor, key: str, restore_id: str) -> Restore:
    """Ask for a restored database to take the place of what is live now.

    Raises: NotFound `database_not_found`; Conflict `restore_not_ready`, `restore_in_progress`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    before = _held(tx, actor, key, restore_id)
    require_ready(before)
    live = databases.find(tx, actor, key)
    if live.id != before.database_id:  # another one was promoted since this was restored
        store.update(tx, before.id, {"database_id": live.id})
    return _exchange(tx, actor, key, before, Phase.PROMOTING)


def undo(tx: Tx, actor: Actor, key: str, restore_id: str) -> Restore:
    """Ask for the database of before a promote to be live again. Raises: Conflict `nothing_to_undo`, `restore_in_progress`."""
    require(actor, Permission.PROJECTS_DEPLOY)
    before = _held(tx, actor, key, restore_id)
    require_undoable(before, now())
    return _exchange(tx, actor, key, before, Phase.UNDOING)


def discard(tx: Tx, actor: Actor, key: str, restore_id: str) -> Restore:
    """Give a restored database up; it is removed. Raises: Conflict `restore_not_ready`."""
    require(actor, Permission.PROJECTS_DEPLOY)
    before = _held(tx, actor, key, restore_id)
    require_discardable(before)
    store.update(tx, before.id, {"state": str(Phase.DISCARDED), "step": "", "ended_at": now()})
    after = store.hold(tx, before.id) or before
    tx.emit(RestoreDiscarded(before.organization_id, before.project_id, before.id), before=facts(before), after=facts(after))
    if before.target_id is not None:
        tx.enqueue(CLEAR, project_id=before.project_id, database_id=before.target_id)
    return after


def _exchange(tx: Tx, actor: Actor, key: str, before: Restore, phase: Phase) -> Restore:
    project = projects.find(tx, actor, key)
    changes = {"state": str(phase), "step": "waiting", "error": None}
    _under_way(tx, project, lambda: store.update(tx, before.id, changes))
    after = store.hold(tx, before.id) or before
    kind = PromoteRequested if phase is Phase.PROMOTING else UndoRequested
    tx.emit(kind(before.organization_id, before.project_id, before.id), before=facts(before), after=facts(after))
    tx.enqueue(EXCHANGE, project_id=before.project_id, restore_id=before.id)
    return after


def _under_way(tx: Tx, project: Project, change: Callable[[], object]) -> None:
    """Make a change that only one restore of a project may have at a time. Raises: Conflict `restore_in_progress`."""
    try:
        with tx.connection.transaction():
            change()
    except psycopg.errors.UniqueViolation as error:
        raise Conflict("restore_in_progress", f"Another restore of {project.slug} is under way.",
                       hint="Wait until it has ended: canonry db restores.") from error  # fmt: skip


def _held(tx: Tx, actor: Actor, key: str, restore_id: str) -> Restore:
    found = find(tx, actor, key, restore_id)
    return store.hold(tx, found.id) or found


def _find(tx: Tx, project: Project, restore_id: str) -> Restore:
    found = None if "\0" in restore_id else store.find(tx, project.organization_id, project.id, restore_id)
    if found is None:
        raise NotFound("restore_not_found", f"{project.slug} has no restore {restore_id[:60]!r}.", hint="`canonry db restores` lists them.")
    return found


def _require_restorable(context: Context) -> None:
    if not context.ports.clusters.can_restore:
        raise Unavailable("not_on_outside_server", "Databases lie on a server outside of Canonry, which alone knows earlier moments.",
                          hint="Restore a dump: canonry db restore --dump ID. Or ask whoever runs that server.")  # fmt: skip
