"""Use cases: ask for a deployment, cancel, retry, roll back, read."""

from collections.abc import Iterable, Sequence
from typing import Any

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Conflict, Invalid, Issue, NotFound
from canonry.core.events import Event
from canonry.core.ids import new_id
from canonry.core.paging import Page, cut
from canonry.core.paths import Home
from canonry.core.refs import parse_ref
from canonry.features import git, projects
from canonry.features.deployments import store
from canonry.features.deployments.events import DeploymentCancelled, DeploymentCancelRequested, DeploymentRequested
from canonry.features.deployments.models import Deployment, Status, Wish
from canonry.features.deployments.queue import RUN
from canonry.features.deployments.rules import facts, require_cancellable, require_retryable, require_rollback_target
from canonry.features.deployments.uploads import Upload
from canonry.features.projects import PRODUCTION, Project
from canonry.infra.tx import Tx
from canonry.ports.builder import Builder


def request_upload(tx: Tx, actor: Actor, project: Project, upload: Upload) -> Deployment:
    """Keep an uploaded archive, and ask for a deployment of it."""
    asked = _request(tx, actor, project, "upload", {"kind": "upload", "archive": upload.archive}, Wish())
    upload.keep()
    return asked


def request(tx: Tx, actor: Actor, home: Home, project: Project, *, ref: str | None) -> Deployment:
    """Ask for a deployment of the project's current source to production: its repository, else what was pushed or uploaded last.

    ref: branch, tag or commit of a repository. Raises: Conflict `no_source`, Invalid `ref_without_repository`.
    """
    if project.repo_url is not None:
        source = {"kind": "repository", "url": project.repo_url, "ref": ref or project.repo_branch}
        return _request(tx, actor, project, "git", source, Wish(branch=source["ref"]))
    last = store.last_source(tx, project.id)
    hosted = git.hosted_source(tx, home, project)
    if hosted is not None and (ref is not None or last is None or last["kind"] == "hosted" or "repository" in hosted):
        chosen = ref or project.repo_branch
        return _request(tx, actor, project, "push", {**hosted, "ref": chosen}, Wish(branch=chosen))
    if last is None:
        raise Conflict("no_source", f"The project {project.slug} has no source yet.",
                       hint="Push to its git address, upload an archive, or connect a repository.")  # fmt: skip
    if ref is not None:
        raise Invalid("ref_without_repository", "An uploaded source has no refs.", hint="Leave `ref` out, or connect a repository.",
                      issues=[Issue("body.ref", "the source is an upload", "unexpected")])  # fmt: skip
    return _request(tx, actor, project, "upload", last, Wish())


def request_commit(tx: Tx, actor: Actor, home: Home, project: Project, wish: Wish) -> Deployment:
    """Ask for a deployment of a branch or commit of the project's repository to an environment.

    Raises: Conflict `no_source`, `project_stopped`, `environment_closed`; Invalid `invalid_ref`.
    """
    ref = parse_ref(wish.commit or wish.branch or "", field="body.commit" if wish.commit else "body.branch").name
    if project.repo_url is not None:
        source = {"kind": "repository", "url": project.repo_url, "ref": ref}
    elif (hosted := git.hosted_source(tx, home, project)) is not None:
        source = {**hosted, "ref": ref}
    else:
        raise Conflict("no_source", f"The project {project.slug} has no repository.", hint="Connect one, or push to its git address.")
    return _request(tx, actor, project, wish.origin, source, wish)


def find(tx: Tx, actor: Actor, deployment_id: str) -> Deployment:
    """Return a deployment of the caller's organization. Raises: NotFound `deployment_not_found`."""
    require(actor, Permission.PROJECTS_READ)
    found = None if "\0" in deployment_id else store.find(tx, actor.organization_id, deployment_id)
    if found is None or actor.project_id not in {None, found.project_id}:
        raise NotFound("deployment_not_found", f"There is no deployment {deployment_id!r}.", hint="`canonry deployments ls` lists them.")
    return found


def by_ids(tx: Tx, deployment_ids: Iterable[str]) -> dict[str, Deployment]:
    """Return these deployments by their ids, for features above that hold ids of ours; those that are gone are left out."""
    return {row.id: row for row in store.by_ids(tx, sorted(set(deployment_ids)))}


def live_in(tx: Tx, project_id: str, environment: str) -> Deployment | None:
    """Return the deployment that is live in an environment."""
    return store.live(tx, project_id, environment)


def page(tx: Tx, project: Project, environment: str | None, wanted: Page) -> tuple[Sequence[Deployment], str | None]:
    """Return one page of the deployments of an environment (None: of all), newest first, and the next cursor."""
    return cut(store.page(tx, project.id, environment, wanted), wanted)


def cancel(tx: Tx, actor: Actor, deployment_id: str) -> Deployment:
    """Cancel a deployment: a queued one at once, a running one as soon as its step lets go. Raises: Conflict."""
    require(actor, Permission.PROJECTS_DEPLOY)
    deployment = find(tx, actor, deployment_id)
    locked = {row.id: row for row in store.unfinished(tx, deployment.project_id, deployment.environment)}.get(deployment.id)
    require_cancellable(locked or find(tx, actor, deployment_id))
    if locked is not None and locked.status is Status.QUEUED:
        store.finish(tx, [deployment.id], Status.CANCELLED, {"code": "cancelled", "message": "Cancelled before it began.", "hint": ""})
        happened: Event = DeploymentCancelled(deployment.organization_id, deployment.project_id, deployment.id)
    else:
        store.update(tx, deployment.id, {"cancel_requested": True})
        happened = DeploymentCancelRequested(deployment.organization_id, deployment.project_id, deployment.id)
    cancelled = find(tx, actor, deployment_id)
    tx.emit(happened, before=facts(locked or deployment), after=facts(cancelled))
    return cancelled


def retry(tx: Tx, actor: Actor, deployment_id: str) -> Deployment:
    """Ask for a new deployment from the same source (the same commit, when there was one). Raises: Conflict."""
    require(actor, Permission.PROJECTS_DEPLOY)
    old = find(tx, actor, deployment_id)
    require_retryable(old)
    source = dict(old.source)
    if old.commit is not None and source["kind"] in {"repository", "hosted"}:
        source["ref"] = old.commit
    return _request(tx, actor, projects.find(tx, actor, old.project_id), "retry", source,
                    Wish(old.environment, old.ref, old.commit, old.commit_message))  # fmt: skip


def roll_back(tx: Tx, actor: Actor, builder: Builder, deployment_id: str) -> Deployment:
    """Ask for the release of an older deployment to serve again, without a build. Raises: Conflict `artifact_missing`."""
    require(actor, Permission.PROJECTS_DEPLOY)
    target = find(tx, actor, deployment_id)
    source = {"kind": "release", "release_id": require_rollback_target(target), "deployment_id": target.id}
    store.hold_artifacts(tx, target.project_id)  # once we have asked for it, nobody removes it
    try:
        builder.load(target.artifact_id or "")
    except NotFound as error:
        raise Conflict("artifact_missing", f"What {target.id} ran from is no longer kept.", hint="Deploy its source again.") from error
    return _request(tx, actor, projects.find(tx, actor, target.project_id), "rollback", source,
                    Wish(target.environment, target.ref))  # fmt: skip


def roll_back_to_previous(tx: Tx, actor: Actor, builder: Builder, project: Project) -> Deployment:
    """Roll back to what was live before. Raises: Conflict `no_deployment`."""
    previous = store.before_live(tx, project.id, PRODUCTION)
    if previous is None:
        raise Conflict("no_deployment", f"The project {project.slug} has no earlier release to go back to.")
    return roll_back(tx, actor, builder, previous.id)


def _request(tx: Tx, actor: Actor, project: Project, trigger: str, source: dict[str, Any], wish: Wish) -> Deployment:
    require(actor, Permission.PROJECTS_DEPLOY)
    if wish.environment != PRODUCTION:
        _require_open(tx, project, wish.environment)
    if "archive" in source:
        store.hold_archive(tx, source["archive"])
    deployment_id = new_id("dep")
    store.insert(tx, {"id": deployment_id, "organization_id": project.organization_id, "project_id": project.id,
                      "environment": wish.environment, "trigger": trigger, "source": source, "ref": wish.branch,
                      "commit": wish.commit and parse_ref(wish.commit).commit, "commit_message": wish.message,
                      "created_by": actor.user_id or None})  # fmt: skip
    deployment = find(tx, actor, deployment_id)
    of = {"deployment_id": source["deployment_id"]} if "deployment_id" in source else {}
    happened = DeploymentRequested(project.organization_id, project.id, deployment_id)
    tx.emit(happened, after={"slug": project.slug, **facts(deployment), **of})
    tx.enqueue(RUN, project_id=project.id, environment=wish.environment)
    return deployment


def _require_open(tx: Tx, project: Project, environment: str) -> None:
    """Return when a preview may be deployed to: it exists, and its project is not stopped."""
    if projects.hold_label(tx, project.id, environment) is None:
        raise Conflict("environment_closed", f"{environment} of {project.slug} was removed.", hint="Make the preview again.")
    if project.status == "stopped":
        raise Conflict("project_stopped", f"The project {project.slug} is stopped, and its previews with it.",
                       hint="Start it: canonry projects start.")  # fmt: skip
