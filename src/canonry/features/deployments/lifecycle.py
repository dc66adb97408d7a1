"""Use cases around what runs: stop, start, list, delete."""

from functools import partial

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Conflict
from canonry.features import databases, git, projects, traffic, volumes
from canonry.features.deployments import build_log, store, uploads
from canonry.features.deployments.context import Context
from canonry.features.deployments.fleet import launch, leading, revival
from canonry.features.deployments.fleet import store as fleet
from canonry.features.deployments.models import Instance
from canonry.features.deployments.queue import CLEAR
from canonry.features.projects import PRODUCTION, Project
from canonry.infra import app_logs
from canonry.infra.tx import Tx


def stop(context: Context, actor: Actor, key: str) -> Project:
    """Stop a project, its previews included: the hosts answer that it is stopped, then its instances end. Harmless when it is stopped."""
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        project = projects.find(tx, actor, key)
    with leading.turn(context, project.id):
        with context.transactions.begin() as tx:
            projects.stop(tx, projects.get_any(tx, project.id))
            hosts = traffic.hosts_of(tx, project.id)
        traffic.show_stopped(context.ports.edge, hosts)
        with context.transactions.begin() as tx:
            fleet.drain_project(tx, project.id)
            return projects.get_any(tx, project.id)


def start(context: Context, actor: Actor, key: str) -> Project:
    """Start a stopped project: its live releases serve again, those of previews too, without a build. Raises: Conflict `no_deployment`."""
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        project_id = projects.find(tx, actor, key).id
    with leading.turn(context, project_id):
        with context.transactions.begin() as tx:
            project = projects.get_any(tx, project_id)
            environments = {release.environment for release in store.live_of_project(tx, project.id)}
            if not environments:
                raise Conflict("no_deployment", f"The project {project.slug} has nothing deployed.", hint="Deploy it first.")
            if project.status == "running":
                return project
            projects.start(tx, project, "running" if PRODUCTION in environments else "new")
            sites = revival.bring_back(tx, context, project)
        revival.serve_sites(context, sites)
    with context.transactions.begin() as tx:
        return projects.get_any(tx, project_id)


def instances(tx: Tx, project: Project, environment: str = PRODUCTION) -> list[Instance]:
    """Return the instances of an environment that run or shall run, draining ones included."""
    return fleet.of_project(tx, project.id, environment)


def all_instances(tx: Tx) -> list[Instance]:
    """Return the instances of all projects that run or shall run, for Canonry's own work."""
    return fleet.everything(tx)


def logged_instances(tx: Tx, project: Project, environment: str = PRODUCTION) -> list[Instance]:
    """Return every instance of an environment whose log is kept, those that ended included, oldest first."""
    return fleet.with_logs(tx, project.id, environment)


def delete(context: Context, actor: Actor, key: str) -> None:
    """Delete a project: it answers no more, its slug is free; processes and files go in the background.

    Raises: NotFound; Conflict `repository_in_use` (other projects are deployed from its repository).
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        project_id = projects.find(tx, actor, key).id
    # In its turn: else the watch, or a deployment, leads its hosts once more when they are nobody's.
    with leading.turn(context, project_id), context.transactions.begin() as tx:
        project = projects.find(tx, actor, key)
        git.require_own_unused(tx, project.id)
        hosts = [row.host for row in traffic.everything_of(tx, project.id)]
        _delete_rows(tx, project)
    leading.withdraw(context, hosts)


def _delete_rows(tx: Tx, project: Project) -> None:
    left = store.left_behind(tx, project.id)
    instance_ids = [instance.id for instance in fleet.with_logs(tx, project.id)]
    clusters = databases.clusters_of(tx, project)
    kept = volumes.release(tx, project.id, None)
    projects.delete(tx, project)
    tx.enqueue(CLEAR, project_id=project.id, instances=" ".join(instance_ids), clusters=" ".join(clusters), kept=" ".join(kept), **left)


def _is_nobodys(archive: str, tx: Tx) -> bool:
    return not store.names_archive(tx, archive)


def clear(
    context: Context,
    project_id: str,
    *,
    deployments: str,
    artifacts: str,
    archives: str,
    instances: str,
    clusters: str = "",
    kept: str = "",
) -> None:
    """Take away what a deleted project left: processes, databases, volumes (`kept`), artifacts, uploads, logs, caches, its repository.

    Lists are ids between blanks.
    """
    for state in context.ports.runtime.states():
        if state.labels.get("project") == project_id:
            context.ports.runtime.stop(state.id, context.settings.stop_grace)
            context.ports.runtime.forget(state.id)
    for cluster_id in clusters.split():
        context.ports.clusters.remove(cluster_id)
    volumes.remove_folders(context.home, kept.split())
    for artifact_id in artifacts.split():
        context.ports.builder.remove(artifact_id)
    for archive in archives.split():
        # Asked again: another project may have been given the same archive since this one was deleted.
        uploads.drop(context.transactions, context.home, archive, partial(_is_nobodys, archive))
    for deployment_id in deployments.split():
        build_log.path_of(context.home, deployment_id).unlink(missing_ok=True)
    for instance_id in instances.split():
        app_logs.remove(launch.log_path(context, instance_id))
    git.remove_repository(context.home, project_id)
    context.ports.builder.forget(project_id)  # and the keys of its previews, which begin with it
