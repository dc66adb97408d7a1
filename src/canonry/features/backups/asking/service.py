"""Use cases of people: look at the backups of a database, ask for one."""

from collections.abc import Sequence

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Unavailable
from canonry.core.ids import new_id
from canonry.core.paging import Page
from canonry.features import databases, projects
from canonry.features.backups.archiving import store
from canonry.features.backups.archiving.events import DatabaseBackupAsked
from canonry.features.backups.archiving.models import DatabaseBackup, Kind
from canonry.features.backups.archiving.queue import MAKE
from canonry.features.backups.context import Context
from canonry.features.backups.proofs import store as proofs
from canonry.infra.tx import Tx


def listed(tx: Tx, actor: Actor, key: str, limit: int) -> tuple[Sequence[DatabaseBackup], dict[str, str]]:
    """Return the newest backups of a project's databases, and how the trials of those that were tried ended."""
    project = projects.find(tx, actor, key)
    return store.page(tx, project.organization_id, project.id, Page(limit))[:limit], proofs.results(tx, project.id)


def ask_for(tx: Tx, actor: Actor, context: Context, key: str, kind: Kind) -> str:
    """Ask for a backup of the live database now; return the id it will have.

    Raises: NotFound `database_not_found`; Unavailable `not_on_outside_server`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    database = databases.find(tx, actor, key)
    if kind is not Kind.DUMP and not context.ports.clusters.can_restore:
        raise Unavailable("not_on_outside_server", "Databases lie on a server outside of Canonry, of which there are only dumps.",
                          hint="Ask for a dump: canonry db backup --dump.")  # fmt: skip
    backup_id = new_id("dbk")
    tx.emit(DatabaseBackupAsked(database.organization_id, database.project_id, database.id), after={"kind": str(kind), "backup": backup_id})
    tx.enqueue(MAKE, database_id=database.id, kind=str(kind), backup_id=backup_id)
    return backup_id
