"""HTTP for organizations and their members."""

from canonry.core.access import Permission
from canonry.features.accounts import members, organizations
from canonry.features.accounts.schemas import (
    ChangeMember,
    ChangeOrganization,
    CreateOrganization,
    MemberAnswer,
    MembersAnswer,
    OrganizationAnswer,
    OrganizationsAnswer,
    member_body,
    organization_body,
)
from canonry.http.deps import ActorDep, TxDep
from canonry.http.paging import PageDep
from canonry.http.routing import SIGNED_IN, Routes

router = Routes(tags=["Organizations"])


@router.operation("GET", "/organizations", SIGNED_IN)
def list_organizations(page: PageDep, actor: ActorDep, tx: TxDep) -> OrganizationsAnswer:
    """List your organizations, the one you joined last first; a token or key knows only its own."""
    rows, cursor = organizations.page(tx, actor, page)
    return OrganizationsAnswer(organizations=[organization_body(row) for row in rows], next_cursor=cursor)


@router.operation("POST", "/organizations", SIGNED_IN, status_code=201, errors=(409,))
def create_organization(body: CreateOrganization, actor: ActorDep, tx: TxDep) -> OrganizationAnswer:
    """Make an organization that you own. It takes a session or a token of scope admin."""
    return OrganizationAnswer(organization=organization_body(organizations.create(tx, actor, name=body.name, handle=body.handle)))


@router.operation("GET", "/organizations/{organization}", Permission.PROJECTS_READ)
def get_organization(organization: str, actor: ActorDep, tx: TxDep) -> OrganizationAnswer:
    """Show the organization you act in, by handle or id."""
    return OrganizationAnswer(organization=organization_body(organizations.find(tx, actor, organization)))


@router.operation("PATCH", "/organizations/{organization}", Permission.ORG_MANAGE, errors=(409,))
def change_organization(organization: str, body: ChangeOrganization, actor: ActorDep, tx: TxDep) -> OrganizationAnswer:
    """Change the name, or (owners only) the handle."""
    changes = body.model_dump(exclude_none=True)
    return OrganizationAnswer(organization=organization_body(organizations.change(tx, actor, organization, changes)))


@router.operation("DELETE", "/organizations/{organization}", Permission.ORG_MANAGE, status_code=204, errors=(409,))
def delete_organization(organization: str, actor: ActorDep, tx: TxDep) -> None:
    """Delete an organization without projects and repositories. Only an owner may, of another one too. Its credentials end at once."""
    organizations.delete(tx, actor, organization)


@router.operation("GET", "/organizations/{organization}/members", Permission.PROJECTS_READ)
def list_members(organization: str, page: PageDep, actor: ActorDep, tx: TxDep) -> MembersAnswer:
    """List the members, the newest first."""
    rows, cursor = members.page(tx, actor, organization, page)
    return MembersAnswer(members=[member_body(row) for row in rows], next_cursor=cursor)


@router.operation("PATCH", "/organizations/{organization}/members/{member}", Permission.ORG_MANAGE, errors=(409,))
def change_member(organization: str, member: str, body: ChangeMember, actor: ActorDep, tx: TxDep) -> MemberAnswer:
    """Give a member, named by id or e-mail address, another role. The last owner stays one."""
    return MemberAnswer(member=member_body(members.change_role(tx, actor, organization, member, body.role)))


@router.operation("DELETE", "/organizations/{organization}/members/{member}", Permission.PROJECTS_READ, status_code=204, errors=(409,))
def remove_member(organization: str, member: str, actor: ActorDep, tx: TxDep) -> None:
    """Remove a member, or leave yourself. Their tokens, keys and sessions count no more in this organization. The last owner stays."""
    members.remove(tx, actor, organization, member)
