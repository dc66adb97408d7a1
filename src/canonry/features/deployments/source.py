"""From a source to a release: fetch → plan → build → freeze."""

import hashlib
from dataclasses import replace
from pathlib import Path

from canonry.core.environments import PRODUCTION
from canonry.core.ids import new_id
from canonry.features import databases, env, git, projects
from canonry.features.deployments import frozen, renewal, store, uploads
from canonry.features.deployments.build_log import BuildLog
from canonry.features.deployments.cancellation import Cancellation
from canonry.features.deployments.context import Context
from canonry.features.deployments.errors import StepFailed
from canonry.features.deployments.models import Deployment, Release, Status
from canonry.features.projects import Project
from canonry.infra.files import remove_tree
from canonry.ports.builder import Artifact, BuildRequest, Limits, Plan, PlanSettings
from canonry.ports.plans import plan_to_json


def release_for(context: Context, project: Project, deployment: Deployment, log: BuildLog, cancellation: Cancellation) -> Release:
    """Return the release this deployment brings: one made before a restart, an older one (rollback), or a new one."""
    known = deployment.release_id or deployment.source.get("release_id")
    if known is not None:
        return _older(context, deployment, str(known), log)
    if deployment.source["kind"] == renewal.KIND:
        return renewal.release_for(context, deployment, log)
    work = context.home.builds / deployment.id
    remove_tree(work)
    tree = work / "source"
    tree.mkdir(parents=True)
    _fetch(context, project, deployment, tree, log)
    cancellation.check()
    with context.transactions.begin() as tx:
        store.update(tx, deployment.id, {"step": "plan"})
    plan = context.ports.builder.plan(tree, plan_settings(project))
    log.say(
        f"Plan: {plan.provider}" + (f" ({plan.framework})" if plan.framework else "") + f", from {', '.join(plan.found) or 'the files'}"
    )
    with context.transactions.begin() as tx:
        store.update(tx, deployment.id, {"step": "build"})
        snapshot = env.snapshot(tx, context.vault, project.id, deployment.environment)
    log.mask(snapshot.secrets)
    context.ports.build_room.before()
    delivered, passwords = _database(context, deployment, tree, plan, snapshot, log)
    snapshot = replace(snapshot, secrets=(*snapshot.secrets, *passwords))
    cancellation.check()
    limits = Limits(context.settings.build_timeout, context.settings.build_memory, context.settings.build_disk)
    request = BuildRequest(
        tree, plan, cache_key=cache_key(project.id, deployment.environment), work=work, limits=limits,
        variables={**delivered, **snapshot.build}, secrets=snapshot.secrets, digest_key=context.vault.key_for("digests of builds"),
        cancelled=cancellation.requested, room=context.ports.build_room.during,
    )  # fmt: skip
    artifact = context.ports.builder.build(request, log.build)
    return _freeze(context, project, deployment, artifact, snapshot)


def _database(
    context: Context, deployment: Deployment, tree: Path, plan: Plan, snapshot: env.Snapshot, log: BuildLog
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what the environment's database delivers and the passwords in it; a preview gets a database of its own first."""
    place = (deployment.project_id, deployment.environment)
    if "DATABASE_URL" not in snapshot.run:
        script = databases.read_script(tree, plan.mask) if plan.mask is not None else None
        databases.ensure_branch(context, *place, script, log.say)
    with context.transactions.begin() as tx:
        delivered = databases.delivery(tx, context.vault, context.ports.clusters, *place)
        passwords = databases.secrets_of(tx, context.vault, *place)
    log.mask(passwords)
    if own := databases.overriding(delivered, snapshot.run):
        log.say(f"The project's own {', '.join(own)} is used, not what its database delivers.")
    return delivered, passwords


def cache_key(project_id: str, environment: str) -> str:
    """Return what an environment's caches and artifacts are kept under: no preview, least of all a fork's, can spoil those of another."""
    return project_id if environment == PRODUCTION else f"{project_id}-{hashlib.sha256(environment.encode()).hexdigest()[:16]}"


def plan_settings(project: Project) -> PlanSettings:
    """Return what the project itself asks of its plans."""
    return PlanSettings(
        provider=project.runtime, root_dir=project.root_dir, python_version=project.python_version, node_version=project.node_version,
        install_command=project.install_command, build_command=project.build_command, start_command=project.start_command,
        output_dir=project.output_dir, health_path=project.health_path, pins=dict(project.pins),
    )  # fmt: skip


def _fetch(context: Context, project: Project, deployment: Deployment, tree: Path, log: BuildLog) -> None:
    kind, targets = deployment.source["kind"], git.targets_of(context.settings)
    access: git.RepositoryAccess | None = None
    if kind == "upload":
        uploads.open_archive(context.home, deployment.source["archive"], tree, limit_mb=context.settings.upload_limit)
        return
    if kind == "hosted":
        with context.transactions.begin() as tx:
            folder = git.folder_of(tx, project.id, deployment.source.get("repository"))
        repository = git.hosted_repository(context.home, folder)
        commit = git.resolve_hosted(context.home, folder, deployment.source["ref"])
    else:
        access = git.access_to(context.transactions, context.vault, project)
        repository, commit = git.fetch_mirror(
            context.home,
            deployment.source["url"],
            deployment.source.get("ref"),
            log.build,
            access=access,
            targets=targets,
        )
    log.say(f"Commit {commit.sha[:12]}: {commit.subject}")
    with context.transactions.begin() as tx:
        store.update(tx, deployment.id, {"commit": commit.sha, "commit_message": commit.message[:2000], "tree": commit.tree})
    git.checkout(
        repository,
        commit.sha,
        tree,
        log.build,
        home=context.home,
        url=deployment.source.get("url"),
        access=access,
        targets=targets,
    )


def _older(context: Context, deployment: Deployment, release_id: str, log: BuildLog) -> Release:
    with context.transactions.begin() as tx:
        release = store.release(tx, release_id)
        if release is not None:
            log.mask(frozen.frozen_of(tx, context.vault, release).secrets)
            log.mask(databases.secrets_of(tx, context.vault, deployment.project_id, deployment.environment))
        if release is not None and deployment.release_id is None:
            changes = {
                "release_id": release.id,
                "artifact_id": release.artifact_id,
                "commit": release.commit,
                "tree": release.tree,
                "reused": True,
            }
            store.update(tx, deployment.id, changes)
            log.say(f"Release {release.id} again: nothing is built.")
    if release is None:
        raise StepFailed("artifact_missing", "The release to go back to is no longer kept.", hint="Deploy its source again.")
    return release


def _freeze(context: Context, project: Project, deployment: Deployment, artifact: Artifact, snapshot: env.Snapshot) -> Release:
    release_id = new_id("rel")
    variables = {**artifact.plan.variables, **snapshot.run}
    with context.transactions.begin() as tx:
        current = store.get(tx, deployment.id) or deployment
        delivered = databases.delivery(tx, context.vault, context.ports.clusters, project.id, deployment.environment)
        store.insert_release(tx, {
            "id": release_id, "project_id": project.id, "environment": deployment.environment, "deployment_id": deployment.id,
            "artifact_id": artifact.id, "plan": plan_to_json(artifact.plan),
            "sealed_variables": frozen.seal(context.vault, release_id, frozen.Frozen(variables, snapshot.secrets)),
            "variables_digest": frozen.digest_of(context.vault, {**delivered, **variables}), "commit": current.commit, "tree": current.tree,
        })  # fmt: skip
        store.update(tx, deployment.id, {
            "release_id": release_id, "artifact_id": artifact.id, "reused": artifact.reused,
            "status": str(Status.DEPLOYING), "step": "release",
        })  # fmt: skip
        if deployment.environment == PRODUCTION:  # a preview tries things out; what it chose is not for production
            projects.pin(
                tx, project.id, {tool.name: tool.version for tool in artifact.plan.toolchains if tool.reason.startswith("default")}
            )
        release = store.release(tx, release_id)
    if release is None:
        raise StepFailed("project_deleted", "The project was deleted meanwhile.")
    return release
