"""Who may do what: actors, roles, scopes, permissions, and the one gate."""

from dataclasses import dataclass
from enum import StrEnum

from canonry.core.errors import Denied


class Scope(StrEnum):
    """What a token was made for; each one includes those before it."""

    READ = "read"
    DEPLOY = "deploy"
    ADMIN = "admin"


class Role(StrEnum):
    """What a member is in an organization; each one includes those before it. An owner can, besides, not be removed by an admin."""

    VIEWER = "viewer"
    DEVELOPER = "developer"
    ADMIN = "admin"
    OWNER = "owner"


class Permission(StrEnum):
    """What a route or service may demand."""

    PROJECTS_READ = "projects:read"
    PROJECTS_DEPLOY = "projects:deploy"
    ORG_MANAGE = "org:manage"
    SPECS_READ = "specs:read"
    SPECS_WRITE = "specs:write"
    SPECS_ADMIN = "specs:admin"
    PLATFORM_MANAGE = "platform:manage"


_READ = frozenset({Permission.PROJECTS_READ, Permission.SPECS_READ})
_DEPLOY = _READ | {Permission.PROJECTS_DEPLOY, Permission.SPECS_WRITE}
_ADMIN = _DEPLOY | {Permission.ORG_MANAGE, Permission.SPECS_ADMIN}

PERMISSIONS: dict[Scope, frozenset[Permission]] = {Scope.READ: _READ, Scope.DEPLOY: _DEPLOY, Scope.ADMIN: _ADMIN}
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _READ, Role.DEVELOPER: _DEPLOY, Role.ADMIN: _ADMIN, Role.OWNER: _ADMIN,
}  # fmt: skip
"""A credential never allows more than its owner's role: what it may do is the intersection of the two."""


def granted(role: Role, *, operator: bool) -> frozenset[Permission]:
    """Return what a member may do in an organization. operator: of this Canonry; with an administrator's role they may run it as well."""
    allowed = ROLE_PERMISSIONS[role]
    return allowed | {Permission.PLATFORM_MANAGE} if operator and Permission.ORG_MANAGE in allowed else allowed


class Credential(StrEnum):
    """How a caller identified themselves."""

    TOKEN = "token"  # noqa: S105 -- its name
    KEY = "key"
    SESSION = "session"
    ACCESS_TOKEN = "access_token"  # noqa: S105 -- its name


@dataclass(frozen=True)
class Actor:
    """Somebody who calls, already identified: a user acting inside one organization with certain permissions.

    project_id: set when the credential is bound to one project; every other project is then unknown to the actor.
    role: what the user is in that organization. credential, credential_id: how they identified themselves, and which one it was.
    scope: what a token was made for; None for other credentials.
    """

    user_id: str
    organization_id: str
    organization_handle: str
    permissions: frozenset[Permission]
    project_id: str | None = None
    role: Role = Role.VIEWER
    credential: Credential = Credential.TOKEN
    credential_id: str = ""
    scope: Scope | None = None


def require(actor: Actor, permission: Permission) -> None:
    """Return when `actor` holds `permission`.

    Raises: Denied `insufficient_scope`, naming the permission that is missing.
    """
    if permission not in actor.permissions:
        raise Denied(
            "insufficient_scope",
            f"This credential may not do that: it lacks the permission {permission}.",
            hint="Use a token with a wider scope (read < deploy < admin), or ask an owner for a higher role.",
        )


def require_person(actor: Actor, *, bound: bool = False) -> None:
    """Return when the credential may do what concerns the person behind it whatever their role is: their password, their tokens.

    That is a session, or a token of scope admin. bound: one that is bound to a project will do. Raises: Denied `insufficient_scope`.
    """
    if actor.credential in {Credential.SESSION, Credential.ACCESS_TOKEN}:
        return
    if actor.credential is not Credential.TOKEN or actor.scope is not Scope.ADMIN or (actor.project_id is not None and not bound):
        raise Denied("insufficient_scope", "This credential may not do that: it takes a session, or a token of scope admin.",
                     hint="Sign in: canonry login. Or use a token of scope admin that is bound to no project.")  # fmt: skip


def require_unbound(actor: Actor) -> None:
    """Return when the credential is not bound to a project. Raises: Denied `insufficient_scope`."""
    if actor.project_id is not None:
        raise Denied("insufficient_scope", "This credential is bound to one project and may do nothing beyond it.",
                     hint="Use one that is bound to none.")  # fmt: skip
