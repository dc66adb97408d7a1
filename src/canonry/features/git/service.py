"""Who may read and push which repository, and how git is told to serve it."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Conflict, NotFound, TooLarge, Unauthenticated
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.features import projects
from canonry.features.git.hosted import ensure_hosted, hosted_repository
from canonry.features.git.repositories import service as repositories
from canonry.features.git.repositories.models import Repository
from canonry.features.git.sharing import service as sharing
from canonry.features.projects import Project
from canonry.infra.files import write_atomic
from canonry.infra.tx import Tx
from canonry.infra.usage import bytes_in
from canonry.ports.disk import BuildRoom
from canonry.ports.identity import Identity
from canonry.ports.limits import AccountLimits

_HOOKS = {"pre-receive": ("-I", "pre_receive.py"), "post-receive": ("-I -S", "hook.py")}
"""Name → how Python is told to stay quick, and the program beside this file."""


@dataclass(frozen=True)
class Serving:
    """How git serves one request. repository: bare, it exists. config, environment: for git and its hook, the token included."""

    repository: Path
    config: dict[str, str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Push:
    """Who pushes: the credential the hook calls the API with, and the address they push from."""

    credential: Secret
    address: str


def identify(identity: Identity, credential: Secret | None) -> Actor:
    """Return who calls. Raises: Unauthenticated `unauthenticated`, `invalid_token`."""
    if credential is None:
        raise Unauthenticated(
            "unauthenticated", "This repository needs a login.", hint="Any user name, and a token (cnr_...) as the password."
        )
    actor = identity.authenticate(credential)
    if actor is None:
        raise Unauthenticated(
            "invalid_token", "This token is unknown, expired or revoked.", hint="Make a new one and use it as the password."
        )
    return actor


def find_to_read(tx: Tx, actor: Actor, home: Home, handle: str, name: str) -> Repository:
    """Return the caller's repository behind `<handle>/<name>`. Raises: NotFound, for another organization's as well."""
    try:
        return repositories.for_project(tx, home, find_project(tx, actor, handle, name))
    except NotFound as error:
        try:
            return repositories.find(tx, actor, name, owner=handle)
        except NotFound:
            raise error from None


def find_to_push(tx: Tx, actor: Actor, home: Home, limits: AccountLimits, handle: str, name: str) -> Repository:
    """Return the repository that is pushed to: of a project, or one without; a push to a free name makes a project.

    Raises: as `find_or_create_project`.
    """
    try:
        find_project(tx, actor, handle, name)
    except NotFound:
        try:
            found = repositories.find(tx, actor, name, owner=handle)
        except NotFound:
            found = None
        if found is not None:
            return _pushable(actor, found)
    return repositories.for_project(tx, home, find_or_create_project(tx, actor, limits, handle, name))


def _pushable(actor: Actor, found: Repository) -> Repository:
    require(actor, Permission.SPECS_WRITE)
    if found.is_elsewhere:
        raise Conflict("lives_elsewhere", f"{found.full_name} lives at GitHub; what lies here is a copy of it.", hint="Push there.")
    return found


def find_project(tx: Tx, actor: Actor, handle: str, name: str) -> Project:
    """Return the caller's project behind `<handle>/<name>`. Raises: NotFound, for another organization's as well."""
    if handle != actor.organization_handle:
        raise _no_repository(handle, name)
    try:
        return projects.find(tx, actor, name)
    except NotFound as error:
        raise _no_repository(handle, name) from error


def find_or_create_project(tx: Tx, actor: Actor, limits: AccountLimits, handle: str, name: str) -> Project:
    """Return the project that is pushed to; the first push to a free name in the caller's own organization makes it.

    Raises: NotFound; Denied `insufficient_scope`; Conflict `has_repository` (its code comes from elsewhere), `slug_taken`,
    `slug_reserved`; Invalid `invalid_slug`; Limited `project_limit_reached`.
    """
    try:
        project = find_project(tx, actor, handle, name)
    except NotFound:
        if handle != actor.organization_handle or actor.project_id is not None:
            raise
        return projects.create(tx, actor, limits, name=name, slug=name)
    require(actor, Permission.PROJECTS_DEPLOY)
    if project.repo_url is not None:
        raise Conflict("has_repository", f"The code of {project.slug} comes from {project.repo_url}, so it takes no push.",
                       hint="Push there, or disconnect it first: canonry git disconnect.")  # fmt: skip
    if (link := sharing.link_of(tx, project)) is not None:
        raise Conflict("has_repository", f"The code of {project.slug} comes from {link.full_name}, so it takes no push.",
                       hint=f"Push to /git/{link.full_name}, or disconnect it first: canonry git disconnect.")  # fmt: skip
    return project


def push_limit(home: Home, served: Repository, settings: Settings, room: BuildRoom) -> int:
    """Return how many bytes a push may have, so that the repository stays within its budget.

    Raises: TooLarge `repository_full`; Unavailable `disk_high_water` while the disk has no room for builds either.
    """
    room.during()
    used = bytes_in([hosted_repository(home, served.folder)])
    left = (settings.disk_repository << 20) - used
    if left <= 0:
        raise TooLarge(
            "repository_full", f"The repository {served.full_name} takes {used >> 20} MiB; it may take {settings.disk_repository}.",
            hint="Remove large files from its history, or have CANONRY_DISK_REPOSITORY raised.",
        )  # fmt: skip
    return min(settings.upload_limit << 20, left)


def prepare(home: Home, served: Repository, push: Push | None, push_limit: int, *, is_shared: bool = False) -> Serving:
    """Return how git serves a repository, which is made on the disk when it is not there.

    push: set when somebody pushes; the hook calls the API in their name. push_limit: bytes one push may have. is_shared: several
    projects are deployed from it, and the hook has to ask which.
    """
    repository = ensure_hosted(home, served.folder, served.default_branch)
    if push is None:
        return Serving(repository, {"http.receivepack": "false"}, {})
    config = {
        "http.receivepack": "true",
        "core.hooksPath": str(_install_hooks(home)),
        "receive.maxInputSize": str(push_limit),
        "receive.denyDeleteCurrent": "ignore",
        "receive.advertisePushOptions": "true",
        "gc.auto": "6700",
        "gc.autoDetach": "true",
        "maintenance.auto": "true",
    }
    environment = {
        "CANONRY_PUSH_SOCKET": str(home.web_socket),
        "CANONRY_PUSH_REPOSITORY": served.id,
        "CANONRY_PUSH_PROJECT": served.project_id or "",
        "CANONRY_PUSH_SHARED": "1" if is_shared else "",
        "CANONRY_PUSH_BRANCH": served.default_branch,
        "CANONRY_PUSH_TOKEN": push.credential.reveal(),
        "CANONRY_PUSH_ADDRESS": push.address,
    }
    return Serving(repository, config, environment)


def _install_hooks(home: Home) -> Path:
    """Write the hooks that all hosted repositories share, when one is not there or names another Python, and return their folder."""
    folder = home.repositories / "hooks"
    for name, (options, program) in _HOOKS.items():
        script = f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {options} {shlex.quote(str(Path(__file__).with_name(program)))}\n"
        hook = folder / name
        try:
            is_there = hook.read_text() == script
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            is_there = False
        if not is_there:
            write_atomic(hook, script, mode=0o755)
    return folder


def _no_repository(handle: str, name: str) -> NotFound:
    return NotFound("repository_not_found", f"There is no repository {handle}/{name}, or this token may not see it.",
                    hint="`canonry projects ls` lists yours.")  # fmt: skip
