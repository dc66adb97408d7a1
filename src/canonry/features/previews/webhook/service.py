"""What a message of the host of a repository leads to. Only the database is asked and told: it answers at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from canonry.core.access import PERMISSIONS, Actor, Role, Scope
from canonry.core.environments import PRODUCTION
from canonry.core.errors import CanonryError, Conflict, Invalid, Issue, Limited
from canonry.core.origin import current_origin
from canonry.core.refs import parse_repository_url
from canonry.features import deployments, git, projects
from canonry.features.deployments import Wish
from canonry.features.previews import service as previews
from canonry.features.previews import store
from canonry.features.previews.context import Context
from canonry.features.previews.models import Change
from canonry.features.previews.rules import environment_of
from canonry.features.previews.webhook import concern, deliveries, messages
from canonry.features.previews.webhook.messages import Message, Other, PullRequest, Push
from canonry.features.projects import Project
from canonry.infra.tx import Tx

CREATED, ACCEPTED, OK = 201, 202, 200


@dataclass(frozen=True)
class Outcome:
    """What is answered: status, body; and in words what became of the message."""

    status: int
    body: Mapping[str, Any]
    words: str


def take(context: Context, project_id: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Act on a message whose signature is right. headers: names in lower case.

    Raises: Invalid `invalid_payload`, `other_repository`, `invalid_ref`; NotFound when the project is gone.
    """
    current_origin.set(replace(current_origin.get(), credential="git webhook"))
    message = None
    try:
        message = messages.parse(headers, body)
        return _once(context, project_id, message, deliveries.keys_of(message, body))
    except Invalid as error:
        with context.transactions.begin() as tx:
            git.note_delivery(tx, project_id, message.event if message else "unknown", f"refused: {error.message}")
        raise


def _once(context: Context, project_id: str, message: Message, keys: Mapping[str, int]) -> Outcome:
    is_workspace = concern.declares_workspace(context, project_id, message)
    try:
        with context.transactions.begin() as tx:
            project = projects.get_any(tx, project_id)
            _require_same_repository(project, message)
            if (earlier := deliveries.claim(tx, project_id, keys)) is not None:
                return Outcome(OK, {**earlier, "duplicate": True}, "a repetition")
            return _noted(tx, project, message, keys, _act(tx, context, project, message, is_workspace=is_workspace))
    except (Conflict, Limited) as error:  # nothing of it was written; that it was skipped is
        with context.transactions.begin() as tx:
            if (earlier := deliveries.claim(tx, project_id, keys)) is not None:
                return Outcome(OK, {**earlier, "duplicate": True}, "a repetition")
            return _noted(tx, projects.get_any(tx, project_id), message, keys, _skipped(error.code, error.message))


def _noted(tx: Tx, project: Project, message: Message, keys: Mapping[str, int], outcome: Outcome) -> Outcome:
    deliveries.record(tx, project.id, keys, outcome.body)
    git.note_delivery(tx, project.id, message.event, outcome.words)
    return outcome


def _act(tx: Tx, context: Context, project: Project, message: Message, *, is_workspace: bool | None) -> Outcome:
    content = message.content
    if isinstance(content, Other):
        return Outcome(OK, {"pong": True}, "answered") if content.why == "pong" else _skipped("no_effect", content.why)
    if isinstance(content, Push) and content.deleted:
        return _branch_gone(tx, project, content.branch)
    if isinstance(content, PullRequest) and content.closed:
        return _pull_request_gone(tx, project, content)
    connection = git.connection_of(tx, project)
    if connection is None or not connection.auto_deploy:
        return _skipped("auto_deploy_off", "Automatic deploys of this project are switched off.")
    if project.status == "stopped":
        return _skipped("project_stopped", "The project is stopped; starting it, or a deploy by hand, ends that.")
    if isinstance(content, Push) and content.branch == project.repo_branch:
        if concern.is_untouched(tx, project, content, is_workspace=is_workspace):
            git.note_seen(tx, project.id, content.commit)
            return _skipped("not_concerned", f"Nothing of {project.slug} changed: it lies in {project.root_dir}.")
        return _to_production(tx, context, project, content)
    if isinstance(content, PullRequest) and content.fork is None and content.branch == project.repo_branch:
        return _skipped("production_branch", f"{content.branch} is deployed to production, not to a preview.")
    return _to_preview(tx, context, project, content)


def _to_production(tx: Tx, context: Context, project: Project, push: Push) -> Outcome:
    wish = Wish(PRODUCTION, push.branch, push.commit, push.message, "webhook")
    deployment = deployments.request_commit(tx, _actor(project), context.home, project, wish)
    git.note_seen(tx, project.id, push.commit)
    body = {"deployId": deployment.id, "status": str(deployment.status), "environment": PRODUCTION}
    return Outcome(CREATED, body, f"deployment {deployment.id} to production")


def _to_preview(tx: Tx, context: Context, project: Project, content: Push | PullRequest) -> Outcome:
    if isinstance(content, Push):
        change = Change(content.branch, content.commit, content.message, origin="webhook")
    else:
        change = Change(content.branch, content.commit, content.title, content.number, content.fork, origin="webhook")
    shown = previews.bring(tx, _actor(project), context, project, change)
    preview = shown.preview
    body = {"previewId": preview.id, "environment": preview.environment}
    if preview.is_waiting:
        return Outcome(ACCEPTED, {**body, "status": "waiting"}, f"preview {preview.label} waits for an approval")
    deployed = {"deployId": shown.deployment.id, "status": str(shown.deployment.status)} if shown.deployment else {}
    return Outcome(CREATED, {**body, **deployed}, f"deployment {deployed.get('deployId', '')} to the preview {preview.label}")


def _branch_gone(tx: Tx, project: Project, branch: str) -> Outcome:
    found = store.find_open(tx, project.id, environment_of(branch, None, None))
    if found is None:
        return _skipped("no_preview", f"The branch {branch[:100]} had no preview.")
    previews.close_soon(tx, found, "its branch was deleted")
    return Outcome(ACCEPTED, {"previewId": found.id, "status": "closing"}, f"preview {found.label} is removed")


def _pull_request_gone(tx: Tx, project: Project, request: PullRequest) -> Outcome:
    found = {preview.id: preview for preview in store.of_pull_request(tx, project.id, request.number)}
    named = store.find_open(tx, project.id, environment_of(request.branch, request.number, request.fork))
    if named is not None:
        found[named.id] = named
    if not found:
        return _skipped("no_preview", f"Pull request {request.number} had no preview.")
    for preview in found.values():
        previews.close_soon(tx, preview, f"pull request {request.number} was closed")
    labels = ", ".join(preview.label for preview in found.values())
    return Outcome(ACCEPTED, {"previewId": next(iter(found)), "status": "closing"}, f"preview {labels} is removed")


def _skipped(code: str, message: str) -> Outcome:
    return Outcome(ACCEPTED, {"skipped": True, "error": code, "message": message}, f"skipped: {message}")


def _actor(project: Project) -> Actor:
    """Return who asks: nobody in person, for this one project."""
    return Actor("", project.organization_id, project.handle, PERMISSIONS[Scope.DEPLOY], project.id, Role.DEVELOPER)


def _require_same_repository(project: Project, message: Message) -> None:
    """Return when the message is about the project's repository, or names none. Raises: Invalid `other_repository`."""
    if not message.repositories or project.repo_url is None:
        return
    mine = parse_repository_url(project.repo_url, allow_file=True, allow_ssh=True).place
    if mine not in {place for text in message.repositories if (place := _place(text))}:
        told = message.repositories[0][:200]
        raise Invalid("other_repository", f"The webhook tells of {told}, but {project.slug} is deployed from {project.repo_url}.",
                      hint="Connect that repository, or remove the webhook from the other one.",
                      issues=[Issue("body.repository", "not the connected repository", "repository")])  # fmt: skip


def _place(text: str) -> str | None:
    try:
        return parse_repository_url(text.replace("git://", "https://", 1), allow_file=True, allow_ssh=True).place
    except CanonryError:
        return None
