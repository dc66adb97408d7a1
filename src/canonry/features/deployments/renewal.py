"""Starting what is live anew, because what its database delivers has changed: the same version, with nothing built.

It is a deployment like any other, so the instances there are serve until the new ones are healthy. It never takes the place of a
deployment that somebody asked for: that one brings the new delivery as well.
"""

from canonry.core.clock import now
from canonry.core.errors import NotFound
from canonry.core.ids import new_id
from canonry.features import databases, projects
from canonry.features.deployments import frozen, store
from canonry.features.deployments.build_log import BuildLog
from canonry.features.deployments.context import Context
from canonry.features.deployments.errors import StepFailed
from canonry.features.deployments.events import DeploymentRequested
from canonry.features.deployments.models import Deployment, Release, Status
from canonry.features.deployments.queue import RUN
from canonry.features.deployments.rules import facts
from canonry.ports.plans import plan_from_json

KIND = "renewal"


def request(context: Context, project_id: str, environment: str) -> None:
    """Ask for what is live to be started anew, unless nothing runs or a deployment that waits will do it. Harmless twice."""
    with context.transactions.begin() as tx:
        try:
            project = projects.get_any(tx, project_id)
        except NotFound:
            return  # deleted meanwhile
        release = store.live_release(tx, project_id, environment)
        if release is None or project.status == "stopped" or not plan_from_json(release.plan).processes:
            databases.note_deployed(tx, project_id, environment, started=now(), seconds=context.settings.drain_seconds)
            return
        if any(row.status is Status.QUEUED for row in store.unfinished(tx, project_id, environment)):
            return
        deployment_id = new_id("dep")
        store.insert(tx, {"id": deployment_id, "organization_id": project.organization_id, "project_id": project_id,
                          "environment": environment, "trigger": "database", "source": {"kind": KIND}, "ref": None,
                          "commit": release.commit, "commit_message": None, "created_by": None})  # fmt: skip
        happened = DeploymentRequested(project.organization_id, project_id, deployment_id)
        deployment = store.get(tx, deployment_id)
        tx.emit(happened, after={"slug": project.slug, **(facts(deployment) if deployment is not None else {})})
        tx.enqueue(RUN, project_id=project_id, environment=environment)


def release_for(context: Context, deployment: Deployment, log: BuildLog) -> Release:
    """Return a new release of the version that is live now, with the variables it has. Raises: StepFailed `nothing_to_renew`."""
    with context.transactions.begin() as tx:
        live = store.live_release(tx, deployment.project_id, deployment.environment)
        if live is None:
            raise StepFailed("nothing_to_renew", "Nothing is live any more that could be started anew.", hint="Deploy.")
        variables = frozen.frozen_of(tx, context.vault, live)
        delivered = databases.delivery(tx, context.vault, context.ports.clusters, live.project_id, live.environment)
        secrets = databases.secrets_of(tx, context.vault, live.project_id, live.environment)
        kept = frozen.Frozen(variables.run, tuple(dict.fromkeys((*variables.secrets, *secrets))))
        release_id = new_id("rel")
        store.insert_release(tx, {
            "id": release_id, "project_id": live.project_id, "environment": live.environment, "deployment_id": deployment.id,
            "artifact_id": live.artifact_id, "plan": live.plan, "sealed_variables": frozen.seal(context.vault, release_id, kept),
            "variables_digest": frozen.digest_of(context.vault, {**delivered, **variables.run}), "commit": live.commit, "tree": live.tree,
            "renews": live.renews or live.id,
        })  # fmt: skip
        store.update(tx, deployment.id, {
            "release_id": release_id, "artifact_id": live.artifact_id, "commit": live.commit, "tree": live.tree, "reused": True,
            "status": str(Status.DEPLOYING), "step": "release",
        })  # fmt: skip
        release = store.release(tx, release_id)
    log.mask(kept.secrets)
    log.say("What its database delivers has changed: the live version is started anew, nothing is built.")
    if release is None:
        raise StepFailed("project_deleted", "The project was deleted meanwhile.")
    return release
