"""Use cases around projects."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields

import psycopg

from canonry.core.access import Actor, Permission, require
from canonry.core.environments import PRODUCTION
from canonry.core.errors import Conflict, Invalid, Issue, NotFound
from canonry.core.ids import new_id
from canonry.core.paging import Page, cut
from canonry.core.refs import parse_branch, parse_repository_url
from canonry.core.settings import Settings
from canonry.features import accounts
from canonry.features.projects import store
from canonry.features.projects.events import (
    ProjectChanged,
    ProjectCreated,
    ProjectDeleted,
    ProjectScaled,
    ProjectStarted,
    ProjectStopped,
)
from canonry.features.projects.models import Project, Scale
from canonry.features.projects.rules import RESERVED, check_slug, derive_slug
from canonry.infra.tx import Tx
from canonry.ports.builder import Builder, PlanSettings
from canonry.ports.limits import AccountLimits

_ATTEMPTS = 100
_FIELDS = {"runtime": "provider"}  # settings that the builder calls otherwise
_PLANNED = frozenset(field.name for field in fields(PlanSettings)) - {"pins"}


def create(
    tx: Tx,
    actor: Actor,
    limits: AccountLimits,
    *,
    name: str,
    slug: str | None = None,
    repo_url: str | None = None,
    repo_branch: str = "main",
    runtime: str | None = None,
) -> Project:
    """Create a project; the slug is derived from the name when absent.

    Raises: Conflict `slug_taken`, `slug_reserved`, `name_taken`; Invalid `invalid_slug`, `invalid_name`; Limited `project_limit_reached`;
    Denied `email_not_verified`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    if actor.project_id is not None:
        raise NotFound("project_not_found", "This credential is bound to one project and can create no other.")
    accounts.require_verified(tx, actor.user_id)
    name = _checked_name(name)
    limits.require_project(actor.organization_id, store.count(tx, actor.organization_id))
    if store.name_exists(tx, actor.organization_id, name):
        raise _name_taken(tx, actor, name)
    chosen = check_slug(slug) if slug is not None else _free_slug(tx, name)
    project_id = new_id("prj")
    try:
        with tx.connection.transaction():
            settings = {"repo_url": repo_url, "repo_branch": repo_branch, "runtime": runtime}
            store.insert(tx, project_id=project_id, organization_id=actor.organization_id, slug=chosen, name=name, settings=settings)
    except psycopg.errors.UniqueViolation as error:
        if error.diag.constraint_name == "projects_name_in_organization":
            raise _name_taken(tx, actor, name) from error
        message = f"The slug {chosen!r} is taken."
        raise Conflict("slug_taken", message, hint="Choose another slug.") from error
    project = get_any(tx, project_id)
    tx.emit(ProjectCreated(actor.organization_id, project_id), after=_facts(project))
    return project


def checked_repository(text: str, settings: Settings) -> str:
    """Return the whole address of a repository. Raises: Invalid `invalid_repository_url`, `credential_in_url`."""
    url = parse_repository_url(text, allow_file=settings.allow_file_urls)
    if url.credential is not None:
        raise Invalid("credential_in_url", "The address carries a credential, which would be shown to everybody who may see the project.",
                      hint="Leave it out.", issues=[Issue("body.repo_url", "must not carry a credential", "credential")])  # fmt: skip
    return url.text


def check_settings(builder: Builder, changes: Mapping[str, object]) -> None:
    """Return when a source can be planned with these settings. Raises: Invalid `invalid_project_setting`, naming each that it cannot."""
    known = {_FIELDS.get(name, name): value for name, value in changes.items()}
    faults = builder.faults(PlanSettings(**{name: value for name, value in known.items() if name in _PLANNED}))  # type: ignore[arg-type]
    if faults:
        names = {wish: name for name, wish in _FIELDS.items()}
        issues = [Issue(f"body.{names.get(wish, wish)}", fault, "setting") for wish, fault in faults.items()]
        text = "; ".join(f"{issue.path.removeprefix('body.')} {issue.message.rstrip('.')}" for issue in issues)
        hint = "Correct it, or send null to have it detected."
        raise Invalid("invalid_project_setting", f"No source could be deployed with this: {text}.", hint=hint,
                      issues=issues)  # fmt: skip


def find(tx: Tx, actor: Actor, key: str) -> Project:
    """Return the caller's project with that slug or id.

    Raises: NotFound `project_not_found`, for another organization's as well.
    """
    require(actor, Permission.PROJECTS_READ)
    found = None if "\0" in key else store.find(tx, actor.organization_id, key)
    if found is None or actor.project_id not in {None, found.id}:
        named = store.find_by_name(tx, actor.organization_id, key) if "\0" not in key and actor.project_id is None else None
        hint = "`canonry projects ls` lists yours." if named is None else f"The one that is named so has the slug {named.slug}."
        raise NotFound("project_not_found", f"There is no project {key!r}.", hint=hint)
    return found


def find_by_name(tx: Tx, actor: Actor, handle: str, name: str) -> Project:
    """Return the caller's project by the handle of its organization and its name, else its slug; letter case and an @ do not matter.

    Raises: NotFound `project_not_found`, for another organization's as well.
    """
    require(actor, Permission.PROJECTS_READ)
    own = handle.strip().removeprefix("@").lower() == actor.organization_handle.lower()
    found = store.find_by_name(tx, actor.organization_id, name.strip()) if own and "\0" not in name else None
    if found is None or actor.project_id not in {None, found.id}:
        raise NotFound("project_not_found", f"There is no project {name!r} of {handle!r}.", hint="`canonry projects ls` lists yours.")
    return found


def get_any(tx: Tx, project_id: str) -> Project:
    """Return a project for Canonry's own work. Raises: NotFound `project_not_found`."""
    found = store.find_any(tx, project_id)
    if found is None:
        raise NotFound("project_not_found", f"There is no project {project_id}.")
    return found


def page(tx: Tx, actor: Actor, wanted: Page) -> tuple[Sequence[Project], str | None]:
    """Return one page of the caller's projects, newest first, and the next cursor."""
    require(actor, Permission.PROJECTS_READ)
    return cut(store.page(tx, actor.organization_id, wanted, only=actor.project_id), wanted)


def change(tx: Tx, actor: Actor, key: str, changes: Mapping[str, object]) -> Project:
    """Change settings; they are in force at the next deployment. Raises: NotFound, Conflict `name_taken`."""
    require(actor, Permission.PROJECTS_DEPLOY)
    project = find(tx, actor, key)
    if isinstance(name := changes.get("name"), str):
        changes = {**changes, "name": _checked_name(name)}
    if isinstance(branch := changes.get("repo_branch"), str):
        parse_branch(branch, field="body.repo_branch")
    if changes:
        try:
            with tx.connection.transaction():
                store.update(tx, project.id, changes)
        except psycopg.errors.UniqueViolation as error:
            raise _name_taken(tx, actor, str(changes.get("name"))) from error
        before = {"slug": project.slug, **{name: getattr(project, name) for name in changes}}
        tx.emit(ProjectChanged(actor.organization_id, project.id), before=before, after={"slug": project.slug, **changes})
    return get_any(tx, project.id)


def set_repository(tx: Tx, project_id: str, repo_url: str | None, repo_branch: str, *, root_dir: str | None = None) -> None:
    """Note which repository a project comes from, and in which folder of it it lies (None: as before); all are checked already."""
    folder = {} if root_dir is None else {"root_dir": root_dir}
    store.update(tx, project_id, {"repo_url": repo_url, "repo_branch": repo_branch, **folder})


def outside_roots(tx: Tx, project: Project) -> list[tuple[str, str | None]]:
    """Return (repository address, root folder) of the organization's other projects that come from outside repositories."""
    return store.outside_roots(tx, project.organization_id, project.id)


def set_status(tx: Tx, project_id: str, status: str) -> None:
    """Note that a project is running or stopped."""
    store.update(tx, project_id, {"status": status})


def stop(tx: Tx, project: Project) -> None:
    """Note that somebody stopped a project; nothing happens when it is stopped already."""
    if project.status != "stopped":
        store.update(tx, project.id, {"status": "stopped"})
        tx.emit(
            ProjectStopped(project.organization_id, project.id), before=_state(project, project.status), after=_state(project, "stopped")
        )


def start(tx: Tx, project: Project, status: str) -> None:
    """Note that somebody started a project that was stopped. status: what it is from now on."""
    store.update(tx, project.id, {"status": status})
    tx.emit(ProjectStarted(project.organization_id, project.id), before=_state(project, project.status), after=_state(project, status))


def note_crash(tx: Tx, project_id: str, *, crashed: bool) -> None:
    """Note that nothing of a running project answers any more, or that it answers again."""
    store.note_crash(tx, project_id, crashed=crashed)


def pin(tx: Tx, project_id: str, pins: Mapping[str, str]) -> None:
    """Remember the toolchain versions that a deployment chose by default."""
    if pins:
        store.merge_pins(tx, project_id, pins)


def label_of(tx: Tx, project_id: str, environment: str) -> str | None:
    """Return the label under the base domain at which an environment is served; None when there is no such environment (any more)."""
    return store.label_of(tx, project_id, environment)


def hold_label(tx: Tx, project_id: str, environment: str) -> str | None:
    """Return it as `label_of`; until the transaction ends, nobody takes it away."""
    return store.hold_label(tx, project_id, environment)


def hold(tx: Tx, project_id: str) -> None:
    """Let nothing be added to a project until the transaction ends: no label, no deployment."""
    store.hold(tx, project_id)


def claim_label(tx: Tx, project_id: str, environment: str, candidates: Iterable[str]) -> str:
    """Give an environment the first candidate that is nobody's, neither a slug nor another's label; the one it has already stays.

    Raises: Conflict `label_taken` when all are taken.
    """
    if known := store.label_of(tx, project_id, environment):
        return known
    for candidate in candidates:
        if candidate not in RESERVED and store.insert_label(tx, candidate, project_id, environment):
            return candidate
    raise Conflict("label_taken", f"No name under the base domain is free for {environment}.", hint="Remove another preview, or rename it.")


def free_label(tx: Tx, project_id: str, environment: str) -> None:
    """Let go of the label of an environment; from then on there is no such environment."""
    store.delete_label(tx, project_id, environment)


def delete(tx: Tx, project: Project) -> None:
    """Delete the project's rows; its slug is free from then on."""
    store.delete(tx, project.id)
    tx.emit(ProjectDeleted(project.organization_id, project.id), before=_facts(project))


def scale_of(tx: Tx, project_id: str, process: str, environment: str = PRODUCTION) -> Scale:
    """Return the scale of a process; one instance of the default size when nothing was set."""
    return next((scale for scale in store.scales(tx, project_id, environment) if scale.process == process), Scale(process, 1, None, None))


def set_scale(tx: Tx, project: Project, scale: Scale, environment: str = PRODUCTION) -> None:
    """Store the scale of a process."""
    before = scale_of(tx, project.id, scale.process, environment)
    store.set_scale(tx, project.id, environment, scale)
    place = {"slug": project.slug, "environment": environment}
    tx.emit(ProjectScaled(project.organization_id, project.id), before={**place, **asdict(before)}, after={**place, **asdict(scale)})


def _facts(project: Project) -> dict[str, object]:
    return {"slug": project.slug, "name": project.name, "repo_url": project.repo_url, "repo_branch": project.repo_branch}


def _state(project: Project, status: str) -> dict[str, object]:
    return {"slug": project.slug, "status": status}


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or "\0" in name:
        raise Invalid("invalid_name", "A project needs a name.", issues=[Issue("body.name", "must not be empty", "too_short")])
    return name


def _free_slug(tx: Tx, name: str) -> str:
    for attempt in range(1, _ATTEMPTS):
        slug = derive_slug(name, attempt)
        if not store.slug_exists(tx, slug):
            return slug
    raise Conflict("slug_taken", f"No slug made from {name!r} is free.", hint="Choose one with `slug`.")


def _name_taken(tx: Tx, actor: Actor, name: str) -> Conflict:
    found = store.find_by_name(tx, actor.organization_id, name)
    hint = f"Its slug is {found.slug}; for another project choose another name." if found else "Choose another name."
    return Conflict("name_taken", f"You have a project named {name!r} already.", hint=hint)
