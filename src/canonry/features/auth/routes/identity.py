"""Who is calling, as Canon's clients ask it: the session of a page, and the profile of a credential."""

from datetime import datetime

from fastapi import Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from canonry.core.access import Actor, Credential, Permission
from canonry.features import accounts
from canonry.features.auth import service
from canonry.features.auth.github import service as github
from canonry.features.auth.routes.arrival import HOME
from canonry.features.auth.rules import DESCRIPTIONS, inferred_role
from canonry.http.csrf import csrf_token
from canonry.http.deps import ActorDep, OrgActorDep, ServicesDep, TxDep
from canonry.http.routing import SIGNED_IN, Routes
from canonry.infra.tx import Tx

router = Routes(tags=["Account"])

_METHODS = {Credential.SESSION: "session", Credential.ACCESS_TOKEN: "jwt"}


class GitHubUser(BaseModel):
    """The account at GitHub that somebody is linked to."""

    login: str
    name: str


class SubjectBody(BaseModel):
    """A person."""

    sub: str
    email: str
    name: str
    picture: str | None = None


class OrgBody(BaseModel):
    """An organization of a person, and what they are in it."""

    id: str
    login: str = Field(description="its handle")
    name: str
    role: str


class PageSessionBody(BaseModel):
    """What a page needs to know of who looks at it."""

    user: SubjectBody
    org: OrgBody | None = Field(description="the one in the address if the user is a member there, else their own")
    orgs: list[OrgBody]
    permissions: list[str]
    github_user: GitHubUser | None
    posthog_key: str | None = None
    posthog_host: str | None = None
    auth_enabled: bool = True
    auth_mode: str = Field(description="oidc or password")
    environment: str = "production"
    feature_flags: dict[str, bool] = Field(default_factory=dict)
    csrf_token: str | None = Field(description="for X-CSRF-Token; null for a bearer, which needs none")


class ProfileBody(BaseModel):
    """Who a credential speaks for, and what it may do."""

    sub: str
    email: str
    name: str
    picture: str | None = None
    org_login: str
    org_id: str
    permissions: list[str]
    all_permissions: list[str]
    permission_descriptions: dict[str, str]
    auth_method: str = Field(description="session, jwt or api_key")
    github_user: GitHubUser | None
    last_login_at: datetime | None
    inferred_role: str = Field(description="the highest role whose permissions are all held")


@router.operation("GET", "/app/{org}/api/session", SIGNED_IN, any_organization=True)
def get_session_in_organization(org: str, actor: ActorDep, tx: TxDep, services: ServicesDep) -> PageSessionBody:
    """Say who looks at a page. Another organization in the address is not adopted."""
    del org  # a session acts in it already if it may
    user = accounts.get_user(tx, actor.user_id)
    places = [OrgBody(id=item.organization_id, login=item.handle, name=item.name, role=item.role)
              for item in accounts.memberships(tx, actor.user_id)]  # fmt: skip
    return PageSessionBody(
        user=SubjectBody(sub=user.id, email=user.email, name=user.name),
        org=next((place for place in places if place.id == actor.organization_id), None), orgs=places,
        permissions=sorted(map(str, actor.permissions)), github_user=_github_user(tx, actor),
        auth_mode="oidc" if services.ports.sign_in_provider else "password",
        csrf_token=csrf_token(services.vault, actor.credential_id) if actor.credential is Credential.SESSION else None,
    )  # fmt: skip


@router.operation("GET", "/app/{org}/api/profile", Permission.SPECS_READ)
def get_profile(org: str, actor: OrgActorDep, tx: TxDep) -> ProfileBody:
    """Say who the credential speaks for in this organization, and what it may do."""
    del org  # the gate has compared it
    user = accounts.get_user(tx, actor.user_id)
    return ProfileBody(
        sub=user.id, email=user.email, name=user.name, org_login=actor.organization_handle, org_id=actor.organization_id,
        permissions=sorted(map(str, actor.permissions)), all_permissions=sorted(map(str, Permission)),
        permission_descriptions={str(permission): text for permission, text in DESCRIPTIONS.items()},
        auth_method=_METHODS.get(actor.credential, "api_key"), github_user=_github_user(tx, actor),
        last_login_at=service.last_sign_in(tx, actor.user_id), inferred_role=inferred_role(actor),
    )  # fmt: skip


@router.operation("GET", "/app", SIGNED_IN, include_in_schema=False)
def home(auth_error: str = "") -> Response:
    """Lead to the page about oneself; what went wrong on the way from GitHub is said there."""
    return RedirectResponse(f"{HOME}?auth_error={auth_error}" if auth_error.isidentifier() else HOME, 302)


def _github_user(tx: Tx, actor: Actor) -> GitHubUser | None:
    found = github.git_identity(tx, actor.user_id)
    return None if found is None else GitHubUser(login=found.login, name=found.name)
