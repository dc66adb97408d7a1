"""Shapes of requests and answers about people."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from canonry.core.access import Role
from canonry.features.accounts.models import Invitation, Member, OwnOrganization

Email = Annotated[str, StringConstraints(min_length=3, max_length=254), Field(examples=["ada@example.com"])]
NewPassword = Annotated[str, StringConstraints(max_length=1000), Field(description="10 to 200 characters")]
Password = Annotated[str, StringConstraints(max_length=1000)]
PersonName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
OrganizationName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
HandleText = Annotated[str, StringConstraints(max_length=100), Field(description="3 to 40 lower-case letters, digits and inner hyphens")]
Code = Annotated[str, StringConstraints(min_length=6, max_length=40)]
LinkSecret = Annotated[str, StringConstraints(min_length=1, max_length=200), Field(description="the part of a mailed link behind `token=`")]


class Body(BaseModel):
    """Base of requests: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Register(Body):
    """Body of POST /v1/auth/register."""

    email: Email
    password: NewPassword
    name: PersonName | None = None
    handle: HandleText | None = Field(None, description="of the organization that is made with it; from the address when absent")
    invitation: LinkSecret | None = Field(
        None, description="the secret of an invitation to this address, with which nothing needs verifying"
    )


class AddressOnly(Body):
    """An account, named by its address."""

    email: Email


class LinkOnly(Body):
    """What came by mail."""

    token: LinkSecret


class NewPasswordByLink(Body):
    """Body of POST /v1/auth/password-reset/confirm."""

    token: LinkSecret
    password: NewPassword


class Accepted(BaseModel):
    """The same for everybody: whether there is such an account is not told. registered: by invitation, so the account is ready."""

    status: Literal["mail_sent", "registered"] = "mail_sent"
    message: str


class VerifiedAnswer(BaseModel):
    """A verified address."""

    verified: Literal[True] = True
    email: str


class PasswordSet(BaseModel):
    """A new password is in force."""

    status: Literal["password_changed"] = "password_changed"


class UserBody(BaseModel):
    """A person."""

    id: str
    email: str
    name: str
    email_verified: bool


class AccountBody(BaseModel):
    """The organization a credential acts in."""

    id: str
    handle: str


class MembershipBody(BaseModel):
    """An organization of a person, and what they are in it."""

    id: str
    handle: str
    name: str
    role: Role


class MeAnswer(BaseModel):
    """Who is calling. account: None for a session of somebody who is in no organization."""

    authenticated: Literal[True] = True
    user: UserBody
    account: AccountBody | None
    role: Role | None
    permissions: list[str]
    memberships: list[MembershipBody]


class ChangeMe(Body):
    """Body of PATCH /v1/me."""

    name: PersonName


class ChangePassword(Body):
    """Body of POST /v1/me/password. current_password: not needed by somebody who has none yet."""

    current_password: Password | None = None
    new_password: NewPassword


class ChangeEmail(Body):
    """Body of POST /v1/me/email. password: the present one, of somebody who has one."""

    email: Email
    password: Password | None = None


class PasswordOnly(Body):
    """The present password, of somebody who has one."""

    password: Password | None = None


class CodeOnly(Body):
    """A code of the authenticator app."""

    code: Code


class PasswordOrCode(Body):
    """Either of the two shows that it is you."""

    password: Password | None = None
    code: Code | None = None


class SecondFactorState(BaseModel):
    """Whether signing in takes a second factor."""

    enabled: bool
    recovery_codes_left: int


class SecondFactorProposal(BaseModel):
    """What an authenticator app needs; not in force before a code confirms it. Shown this once."""

    secret: str
    uri: str = Field(examples=["otpauth://totp/…"])
    qr_svg: str = Field(description="the uri as a QR code, an SVG element")


class RecoveryCodes(BaseModel):
    """Each lets you in once without the app. Shown this once."""

    recovery_codes: list[str]


class OrganizationBody(BaseModel):
    """An organization of the caller. role: what the caller is in it."""

    id: str
    handle: str
    name: str
    role: Role
    joined_at: str


class OrganizationAnswer(BaseModel):
    """One organization."""

    organization: OrganizationBody


class OrganizationsAnswer(BaseModel):
    """One page of the caller's organizations."""

    organizations: list[OrganizationBody]
    next_cursor: str | None = None


class CreateOrganization(Body):
    """Body of POST /v1/organizations."""

    name: OrganizationName
    handle: HandleText | None = Field(None, description="made from the name when absent")


class ChangeOrganization(Body):
    """Body of PATCH /v1/organizations/{organization}; what is absent stays."""

    name: OrganizationName | None = None
    handle: HandleText | None = None


class MemberBody(BaseModel):
    """A member."""

    id: str = Field(description="of the person", examples=["usr_19ab34cd56ef7081"])
    email: str
    name: str
    role: Role
    joined_at: str


class MemberAnswer(BaseModel):
    """One member."""

    member: MemberBody


class MembersAnswer(BaseModel):
    """One page of members."""

    members: list[MemberBody]
    next_cursor: str | None = None


class ChangeMember(Body):
    """Body of PATCH /v1/organizations/{organization}/members/{member}."""

    role: Role


class Invite(Body):
    """Body of POST /v1/organizations/{organization}/invitations."""

    email: Email
    role: Role = Role.DEVELOPER


class InvitationBody(BaseModel):
    """An invitation that waits; its secret is in the mail and nowhere else."""

    id: str
    email: str
    role: Role
    invited_by: str | None
    created_at: str
    expires_at: str


class InvitationAnswer(BaseModel):
    """One invitation. mail_goes_out: false where no mail server is configured; its mail then lies in Canonry's home."""

    invitation: InvitationBody
    mail_goes_out: bool


class InvitationsAnswer(BaseModel):
    """One page of invitations."""

    invitations: list[InvitationBody]
    next_cursor: str | None = None


class JoinedAnswer(BaseModel):
    """The organization that the caller has joined."""

    organization: AccountBody
    role: Role


def organization_body(organization: OwnOrganization) -> OrganizationBody:
    """Return an organization as the API shows it."""
    return OrganizationBody(id=organization.id, handle=organization.handle, name=organization.name, role=Role(organization.role),
                            joined_at=organization.created_at.isoformat())  # fmt: skip


def member_body(member: Member) -> MemberBody:
    """Return a member as the API shows them."""
    return MemberBody(id=member.id, email=member.email, name=member.name, role=Role(member.role), joined_at=member.created_at.isoformat())


def invitation_body(invitation: Invitation) -> InvitationBody:
    """Return an invitation as the API shows it."""
    return InvitationBody(
        id=invitation.id, email=invitation.email, role=Role(invitation.role), invited_by=invitation.inviter,
        created_at=invitation.created_at.isoformat(), expires_at=invitation.expires_at.isoformat(),
    )  # fmt: skip
