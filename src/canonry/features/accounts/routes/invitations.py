"""HTTP for invitations into an organization."""

from canonry.core.access import Permission, Role
from canonry.features.accounts import invitations
from canonry.features.accounts.schemas import (
    AccountBody,
    InvitationAnswer,
    InvitationsAnswer,
    Invite,
    JoinedAnswer,
    LinkOnly,
    invitation_body,
)
from canonry.http.deps import ActorDep, ServicesDep, TxDep
from canonry.http.paging import PageDep
from canonry.http.routing import SIGNED_IN, Routes

router = Routes(tags=["Organizations"])


@router.operation("GET", "/organizations/{organization}/invitations", Permission.ORG_MANAGE)
def list_invitations(organization: str, page: PageDep, actor: ActorDep, tx: TxDep) -> InvitationsAnswer:
    """List the invitations that wait, the newest first."""
    rows, cursor = invitations.page(tx, actor, organization, page)
    return InvitationsAnswer(invitations=[invitation_body(row) for row in rows], next_cursor=cursor)


@router.operation("POST", "/organizations/{organization}/invitations", Permission.ORG_MANAGE, status_code=201, errors=(409,))
def invite(organization: str, body: Invite, actor: ActorDep, tx: TxDep, services: ServicesDep) -> InvitationAnswer:
    """Invite somebody by mail, for seven days."""
    made = invitations.invite(services, tx, actor, organization, email=body.email, role=body.role)
    return InvitationAnswer(invitation=invitation_body(made), mail_goes_out=services.settings.smtp_url is not None)


@router.operation("DELETE", "/organizations/{organization}/invitations/{invitation}", Permission.ORG_MANAGE, status_code=204)
def withdraw_invitation(organization: str, invitation: str, actor: ActorDep, tx: TxDep) -> None:
    """Withdraw an invitation."""
    invitations.withdraw(tx, actor, organization, invitation)


@router.operation("POST", "/invitations/accept", SIGNED_IN, errors=(409,))
def accept_invitation(body: LinkOnly, actor: ActorDep, tx: TxDep) -> JoinedAnswer:
    """Join an organization with the secret of an invitation that came to your address."""
    joined = invitations.accept(tx, actor, body.token)
    return JoinedAnswer(organization=AccountBody(id=joined.organization_id, handle=joined.handle), role=Role(joined.role))
