"""Use cases: ask for a drill, look at proofs, say what is overdue."""

from collections.abc import Sequence

from canonry.core.access import Actor, Permission, require
from canonry.core.alarms import Alarm
from canonry.core.clock import now
from canonry.core.errors import NotFound, Unavailable
from canonry.core.ids import new_id
from canonry.core.paging import Page, cut
from canonry.features import databases, projects
from canonry.features.backups.context import Context
from canonry.features.backups.proofs import rules, store
from canonry.features.backups.proofs.events import DrillRequested
from canonry.features.backups.proofs.models import Proof
from canonry.features.backups.proofs.queue import DRILL
from canonry.infra.tx import Tx


def request(tx: Tx, actor: Actor, context: Context, key: str) -> Proof:
    """Ask for the newest backup of a project's database to be proven now; one that waits or runs already is returned.

    Raises: NotFound `database_not_found`; Unavailable `not_on_outside_server`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    database = databases.find(tx, actor, key)
    if not context.ports.clusters.can_restore:
        raise Unavailable("not_on_outside_server", "Databases lie on a server outside of Canonry, which backs them up itself.",
                          hint="Ask whoever runs the server of CANONRY_DATABASES_URL.")  # fmt: skip
    proof = add(tx, database.organization_id, database.project_id, database.id)
    happened = DrillRequested(database.organization_id, database.project_id, database.id, proof.id)
    tx.emit(happened, after={"result": str(proof.result)})
    return proof


def add(tx: Tx, organization_id: str, project_id: str, database_id: str) -> Proof:
    """Let a database wait for its drill; one that waits or runs already is returned."""
    proof_id = new_id("prf")
    row = {"id": proof_id, "organization_id": organization_id, "project_id": project_id, "database_id": database_id}
    if store.insert(tx, row):
        tx.enqueue(DRILL, proof_id=proof_id)
    found = store.under_way(tx, database_id)
    if found is None:
        raise NotFound("proof_not_found", "The drill has just ended.", hint="Look at it: canonry db proofs.")
    return found


def page(tx: Tx, actor: Actor, key: str, wanted: Page) -> tuple[Sequence[Proof], str | None]:
    """Return one page of the proofs of a project, newest first, and the next cursor."""
    return cut(store.page(tx, projects.find(tx, actor, key).id, wanted), wanted)


def find(tx: Tx, actor: Actor, key: str, proof_id: str) -> Proof:
    """Return a proof of a project. Raises: NotFound `project_not_found`, `proof_not_found`."""
    require(actor, Permission.PROJECTS_READ)
    project = projects.find(tx, actor, key)
    found = None if "\0" in proof_id else store.find(tx, project.organization_id, project.id, proof_id)
    if found is None:
        raise NotFound("proof_not_found", f"{project.slug} has no proof {proof_id[:60]!r}.", hint="`canonry db proofs` lists them.")
    return found


def alarms(context: Context) -> list[Alarm]:
    """Return an alarm for each database of which no backup was proven for too long."""
    if not context.ports.clusters.can_restore:
        return []
    with context.transactions.begin() as tx:
        standings = store.standings(tx)
    moment = now()
    return [
        Alarm("backup_unproven", f"The database of {standing.slug}: {why}.", f"Prove it now: canonry db drill --project {standing.slug}")
        for standing in standings
        if (why := rules.overdue(standing, moment))
    ]
