"""Use cases: open a preview or bring it up to date, let a fork's commit in, list, close."""

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Conflict, Limited, NotFound
from canonry.core.ids import new_id
from canonry.core.refs import parse_branch, parse_ref
from canonry.core.settings import Settings
from canonry.features import deployments, projects
from canonry.features.deployments import Deployment, Status, Wish
from canonry.features.previews import store
from canonry.features.previews.context import Context
from canonry.features.previews.events import PreviewApproved, PreviewClosed, PreviewOpened, PreviewWaiting
from canonry.features.previews.models import Change, Preview, Shown
from canonry.features.previews.queue import CLOSE
from canonry.features.previews.rules import environment_of, labels
from canonry.features.projects import Project
from canonry.infra.tx import Tx


def bring(tx: Tx, actor: Actor, context: Context, project: Project, change: Change) -> Shown:
    """Make the preview of a branch or pull request, or bring the one there is up to date, and deploy to it.

    A commit of a fork that nobody has let in only waits. A commit that is being deployed or live already is not deployed again.
    Raises: Invalid `invalid_ref`; Conflict `no_source`, `project_stopped`, `label_taken`; Limited `preview_limit_reached`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    change = _checked(change)
    environment = environment_of(change.branch, change.pull_request, change.fork)
    store.hold(tx, project.id)
    preview = store.find_open(tx, project.id, environment)
    if preview is None:
        preview = _open(tx, context.settings, project, environment, change)
    else:
        preview = _updated(tx, preview, change)
        if (known := _under_way(tx, preview, change)) is not None:
            return Shown(preview, known)
    if preview.is_waiting:
        tx.emit(PreviewWaiting(project.organization_id, project.id, preview.id), after=_facts(preview))
        return Shown(preview, _deployment_of(tx, preview))
    return _deploy(tx, actor, context, project, preview, change)


def approve(tx: Tx, actor: Actor, context: Context, project: Project, key: str, commit: str | None) -> Shown:
    """Let the newest commit of a fork in and deploy it. The approval is for that commit; the next one waits again.

    commit: the one the caller has looked at. Raises: NotFound; Conflict `nothing_to_approve`, `commit_moved`, `project_stopped`;
    Limited `preview_limit_reached`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    store.hold(tx, project.id)
    found = find(tx, actor, project, key)
    preview = store.find_open(tx, project.id, found.environment) or found
    if not preview.is_waiting or preview.commit is None:
        raise Conflict("nothing_to_approve", f"Nothing of {preview.label} waits for an approval.")
    if commit is not None and not preview.commit.startswith(parse_ref(commit, field="body.commit").name.lower()):
        raise Conflict("commit_moved", f"The newest commit is {preview.commit[:12]} by now, not {commit[:12]}.",
                       hint="Look at it, then approve that one.")  # fmt: skip
    if preview.approved_commit is None:
        _require_room(tx, context.settings, project)
    store.update(tx, preview.id, {"approved_commit": preview.commit})
    tx.emit(PreviewApproved(project.organization_id, project.id, preview.id), after=_facts(preview))
    change = Change(preview.branch, preview.commit, preview.commit_message, preview.pull_request, preview.fork)
    return _deploy(tx, actor, context, project, preview, change)


def find(tx: Tx, actor: Actor, project: Project, key: str) -> Preview:
    """Return an open preview of a project by its id or label. Raises: NotFound `preview_not_found`."""
    require(actor, Permission.PROJECTS_READ)
    found = None if "\0" in key else store.find(tx, actor.organization_id, project.id, key)
    if found is None:
        raise NotFound("preview_not_found", f"There is no preview {key!r} of {project.slug}.", hint="`canonry previews ls` lists them.")
    return found


def show(tx: Tx, preview: Preview) -> Shown:
    """Return a preview with its newest deployment."""
    return Shown(preview, _deployment_of(tx, preview))


def list_open(tx: Tx, project: Project) -> Sequence[Shown]:
    """Return the open previews of a project with their newest deployments, newest first."""
    rows = store.all_open(tx, project.id)
    known = deployments.by_ids(tx, [row.deployment_id for row in rows if row.deployment_id is not None])
    return [Shown(row, known.get(row.deployment_id or "")) for row in rows]


def close_soon(tx: Tx, preview: Preview, reason: str) -> None:
    """Have a preview removed by a job; one that is brought up to date before that stays."""
    tx.enqueue(CLOSE, preview_id=preview.id, version=preview.version, reason=reason)


def close(context: Context, preview_id: str, reason: str, *, version: str | None = None) -> None:
    """Remove a preview: its host, processes and files go, production notices nothing. Harmless when it is closed already.

    version: remove it only when it was not brought up to date since then.
    """
    with context.transactions.begin() as tx:
        preview = store.get(tx, preview_id)
    if preview is None:
        return
    with contextlib.suppress(_ClosedAlready), deployments.closing(context, preview.project_id, preview.environment) as tx:
        if not store.close(tx, preview.id, version):
            raise _ClosedAlready
        happened = PreviewClosed(preview.organization_id, preview.project_id, preview.id)
        tx.emit(happened, before=_facts(preview), after={"reason": reason})


class _ClosedAlready(Exception):
    """Somebody else closed it, and what has its name by now is another preview; or it was brought up to date."""


def _checked(change: Change) -> Change:
    """Return the change with a parsed branch and commit. Raises: Invalid `invalid_ref`."""
    branch = parse_branch(change.branch, field="body.branch")
    commit = parse_ref(change.commit, field="body.commit") if change.commit else None
    return Change(branch, (commit.commit or commit.name) if commit else None, change.message, change.pull_request, change.fork,
                  change.lifetime, change.origin)  # fmt: skip


def _open(tx: Tx, settings: Settings, project: Project, environment: str, change: Change) -> Preview:
    if change.fork is None:
        _require_room(tx, settings, project)
    row: dict[str, Any] = {
        "id": new_id("prv"), "organization_id": project.organization_id, "project_id": project.id, "environment": environment,
        "branch": change.branch, "pull_request": change.pull_request, "fork": change.fork, "commit": change.commit,
        "commit_message": change.message,
        "label": projects.claim_label(tx, project.id, environment, labels(project.slug, change.branch, change.pull_request)),
        "lifetime": change.lifetime or timedelta(days=settings.preview_days),
    }  # fmt: skip
    store.insert(tx, row)
    preview = store.get(tx, row["id"])
    if preview is None:
        raise NotFound("project_not_found", f"There is no project {project.slug}.")
    tx.emit(PreviewOpened(project.organization_id, project.id, preview.id), after=_facts(preview))
    return preview


def _updated(tx: Tx, preview: Preview, change: Change) -> Preview:
    changes: dict[str, object] = {"commit": change.commit, "commit_message": change.message}
    if change.pull_request is not None:
        changes["pull_request"] = change.pull_request
    store.update(tx, preview.id, changes)
    store.prolong(tx, preview.id, change.lifetime or preview.lifetime)
    return store.get(tx, preview.id) or preview


def _under_way(tx: Tx, preview: Preview, change: Change) -> Deployment | None:
    """Return the deployment that brings this very commit already; asked for by hand, it is brought again all the same."""
    known = _deployment_of(tx, preview)
    if known is None or change.origin == "preview" or change.commit is None or known.commit != change.commit:
        return None
    return known if known.status in deployments.UNFINISHED or known.status is Status.LIVE else None


def _deploy(tx: Tx, actor: Actor, context: Context, project: Project, preview: Preview, change: Change) -> Shown:
    wish = Wish(preview.environment, change.branch, change.commit, change.message, change.origin)
    deployment = deployments.request_commit(tx, actor, context.home, project, wish)
    store.update(tx, preview.id, {"deployment_id": deployment.id})
    store.prolong(tx, preview.id, change.lifetime or preview.lifetime)
    return Shown(store.get(tx, preview.id) or preview, deployment)


def _deployment_of(tx: Tx, preview: Preview) -> Deployment | None:
    return deployments.by_ids(tx, [preview.deployment_id]).get(preview.deployment_id) if preview.deployment_id else None


def _require_room(tx: Tx, settings: Settings, project: Project) -> None:
    if store.count_running(tx, project.id) >= settings.preview_limit:
        raise Limited("preview_limit_reached", f"{project.slug} has {settings.preview_limit} previews, and more are not allowed.",
                      hint="Remove one: canonry previews rm. CANONRY_PREVIEW_LIMIT sets how many there may be.")  # fmt: skip


def _facts(preview: Preview) -> dict[str, Any]:
    return {"label": preview.label, "branch": preview.branch, "pull_request": preview.pull_request, "fork": preview.fork,
            "commit": preview.commit}  # fmt: skip
