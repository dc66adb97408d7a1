"""Use cases: back a project up, list its backups, put one back, delete one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from canonry.core.access import Actor, Permission, require
from canonry.core.clock import now
from canonry.core.environments import PRODUCTION
from canonry.core.errors import Invalid, NotFound
from canonry.core.ids import new_id
from canonry.core.paging import Page, cut
from canonry.features import databases, deployments, env, projects
from canonry.features.backups.context import Context
from canonry.features.backups.points import store
from canonry.features.backups.points.events import BackupMade, BackupRemoved, BackupRestored
from canonry.features.backups.points.models import ProjectBackup, Trigger
from canonry.features.deployments import Deployment
from canonry.features.projects import Project
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx

KEPT = 10  # of those that Canonry makes by itself, for each project


@dataclass(frozen=True)
class PutBack:
    """What restoring a backup did: the deployment that it began, and which variables it changed (`environment/KEY`)."""

    backup: ProjectBackup
    deployment: Deployment
    variables: Sequence[str]


def create(tx: Tx, actor: Actor, vault: Vault, project: Project, note: str | None) -> ProjectBackup:
    """Keep what is live now, every variable, and this moment of the database. Raises: Invalid `nothing_live`."""
    require(actor, Permission.PROJECTS_DEPLOY)
    live = deployments.live_in(tx, project.id, PRODUCTION)
    if live is None or live.release_id is None:
        raise Invalid("nothing_live", f"Nothing of {project.slug} is live, so there is nothing to go back to.", hint="Deploy it first.")
    made = _keep(tx, vault, live, Trigger.MANUAL, note=note)
    if made is None:
        raise RuntimeError(project.id)  # only those made before a deployment can be there already
    deployments.keep_release(tx, live.release_id, keep=True)
    return made


def page(tx: Tx, project: Project, wanted: Page) -> tuple[Sequence[ProjectBackup], str | None]:
    """Return one page of the backups of a project, newest first, and the next cursor."""
    return cut(store.page(tx, project.id, wanted), wanted)


def find(tx: Tx, project: Project, backup_id: str) -> ProjectBackup:
    """Return a backup of a project. Raises: NotFound `backup_not_found`."""
    found = None if "\0" in backup_id else store.find(tx, project.organization_id, project.id, backup_id)
    if found is None:
        raise NotFound("backup_not_found", f"{project.slug} has no backup {backup_id[:60]!r}.", hint="`canonry backups ls` lists them.")
    return found


def restore(tx: Tx, actor: Actor, context: Context, project: Project, backup_id: str) -> PutBack:
    """Set the variables to what they were (those that came later stay), then deploy what was live, without a build.

    The data of its database is not touched: that is restored beside it. Raises: NotFound; Conflict `artifact_missing`; TooLarge.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    backup = find(tx, project, backup_id)
    changed = env.put_back(tx, actor, context.vault, project.id, context.vault.open(backup.sealed_variables, bound=backup.bound))
    deployment = deployments.roll_back(tx, actor, context.ports.builder, backup.deployment_id)
    happened = BackupRestored(project.organization_id, project.id, backup.id)
    tx.emit(happened, after={"deployment_id": deployment.id, "release_id": backup.release_id, "variables": changed})
    return PutBack(backup, deployment, changed)


def remove(tx: Tx, actor: Actor, project: Project, backup_id: str) -> None:
    """Delete a backup. What it kept of a release goes when nothing else needs it."""
    require(actor, Permission.PROJECTS_DEPLOY)
    backup = find(tx, project, backup_id)
    store.delete(tx, backup.id)
    if not store.is_made_of(tx, backup.release_id):
        deployments.keep_release(tx, backup.release_id, keep=False)
    tx.emit(BackupRemoved(project.organization_id, project.id, backup.id), before=_facts(backup))


def keep_before(context: Context, deployment_id: str) -> ProjectBackup | None:
    """Keep what is live before this deployment to production takes its place; None when there is nothing, or it was kept already."""
    with context.transactions.begin() as tx:
        coming = deployments.by_ids(tx, [deployment_id]).get(deployment_id)
        if coming is None or coming.environment != PRODUCTION:
            return None
        live = deployments.live_at(tx, coming.project_id, PRODUCTION, coming.created_at)  # by now it may be live itself
        if live is None:
            return None
        made = _keep(tx, context.vault, live, Trigger.PRE_DEPLOY, at=coming.created_at, before=coming.id)
        store.delete_old(tx, coming.project_id, KEPT)
        return made


def keep_nightly(context: Context, project_id: str) -> ProjectBackup | None:
    """Keep what is live of a project tonight; None when nothing is."""
    with context.transactions.begin() as tx:
        live = deployments.live_in(tx, project_id, PRODUCTION)
        if live is None or live.release_id is None:
            return None
        made = _keep(tx, context.vault, live, Trigger.NIGHTLY)
        store.delete_old(tx, project_id, KEPT)
        return made


def _keep(
    tx: Tx, vault: Vault, live: Deployment, trigger: Trigger, *, note: str | None = None, at: datetime | None = None,
    before: str | None = None,
) -> ProjectBackup | None:  # fmt: skip
    backup_id = new_id("bak")
    variables, names = env.copy_of(tx, vault, live.project_id)
    database = databases.live_of(tx, live.project_id, PRODUCTION)
    added = store.insert(tx, {
        "id": backup_id, "organization_id": live.organization_id, "project_id": live.project_id, "deployment_id": live.id,
        "release_id": live.release_id, "sealed_variables": vault.seal(variables.reveal(), bound=f"project_backups {backup_id}"),
        "variable_names": names, "database_id": database.id if database is not None else None,
        "database_at": (at or now()) if database is not None else None, "note": note, "trigger": str(trigger),
        "before_deployment_id": before,
    })  # fmt: skip
    if not added:
        return None
    made = find(tx, projects.get_any(tx, live.project_id), backup_id)
    tx.emit(BackupMade(live.organization_id, live.project_id, backup_id), after=_facts(made))
    return made


def _facts(backup: ProjectBackup) -> dict[str, object]:
    return {
        "trigger": str(backup.trigger), "deployment_id": backup.deployment_id, "note": backup.note, "variables": backup.variable_names,
        "database_id": backup.database_id, "database_at": backup.database_at.isoformat() if backup.database_at is not None else None,
    }  # fmt: skip
