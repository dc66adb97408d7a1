"""Tokens, members, organizations and one's own account over HTTP."""

from typing import Any, TypedDict, cast
from urllib.parse import quote

from canonry.client.api import Api
from canonry.client.credentials import Credentials
from canonry.client.transport import Document


class Token(TypedDict):
    """A token without its value."""

    id: str
    name: str
    prefix: str
    scope: str
    project: str | None
    owner: str
    created_at: str
    last_used_at: str | None
    expires_at: str | None


class Member(TypedDict):
    """A person in an organization."""

    id: str
    email: str
    name: str
    role: str
    joined_at: str


class Invitation(TypedDict):
    """An invitation that waits."""

    id: str
    email: str
    role: str
    invited_by: str | None
    created_at: str
    expires_at: str


class Organization(TypedDict):
    """An organization of the caller, and what the caller is in it."""

    id: str
    handle: str
    name: str
    role: str
    joined_at: str


class PeopleApi(Api):
    """Calls about people and what lets them in. Members are named by id or e-mail address."""

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials)
        self._handle = ""

    def list_tokens(self, limit: int | None) -> list[Token]:
        """Return the caller's tokens, everybody's for who manages the organization; the newest first."""
        return cast("list[Token]", self._list("/v1/tokens", "tokens", limit))

    def create_token(self, name: str, scope: str, project: str | None, days: int | None) -> Document:
        """Make a token; `token` in the answer is its value, shown this once."""
        fields = {"name": name, "scope": scope, "project": project, "expires_in_days": days}
        return self._transport.send("POST", "/v1/tokens", document={key: value for key, value in fields.items() if value is not None})

    def delete_token(self, token: str) -> None:
        """Revoke a token. Raises: NotFound `token_not_found`."""
        self._transport.send("DELETE", f"/v1/tokens/{quote(token, safe='')}")

    def list_organizations(self) -> list[Organization]:
        """Return the caller's organizations."""
        return cast("list[Organization]", self._list("/v1/organizations", "organizations", None))

    def create_organization(self, name: str, handle: str | None) -> Organization:
        """Make an organization. Raises: Conflict `handle_taken`, `handle_reserved`."""
        document = {"name": name} | ({"handle": handle} if handle else {})
        return cast("Organization", self._transport.send("POST", "/v1/organizations", document=document)["organization"])

    def get_organization(self, handle: str) -> Organization:
        """Return the organization that the credential acts in. Raises: NotFound `organization_not_found` for every other one."""
        return cast("Organization", self._transport.send("GET", f"/v1/organizations/{quote(handle, safe='')}")["organization"])

    def delete_organization(self, handle: str) -> None:
        """Delete an organization. Raises: Conflict `organization_in_use`, `last_organization`; Denied `owner_needed`."""
        self._transport.send("DELETE", f"/v1/organizations/{quote(handle, safe='')}")

    def list_members(self) -> list[Member]:
        """Return the members of the organization that the credential acts in."""
        return cast("list[Member]", self._list(f"{self._organization()}/members", "members", None))

    def set_role(self, member: str, role: str) -> Member:
        """Give a member another role. Raises: Conflict `last_owner`, Denied `owner_needed`."""
        return cast("Member", self._transport.send("PATCH", self._member(member), document={"role": role})["member"])

    def remove_member(self, member: str) -> None:
        """Remove a member. Raises: Conflict `last_owner`, Denied `owner_needed`."""
        self._transport.send("DELETE", self._member(member))

    def list_invitations(self) -> list[Invitation]:
        """Return the invitations that wait."""
        return cast("list[Invitation]", self._list(f"{self._organization()}/invitations", "invitations", None))

    def invite(self, email: str, role: str) -> tuple[Invitation, bool]:
        """Invite somebody by mail; say also whether mail leaves that Canonry. Raises: Conflict `already_member`."""
        answer = self._transport.send("POST", f"{self._organization()}/invitations", document={"email": email, "role": role})
        return cast("Invitation", answer["invitation"]), bool(answer.get("mail_goes_out", True))

    def withdraw_invitation(self, invitation: str) -> None:
        """Make an invitation useless."""
        self._transport.send("DELETE", f"{self._organization()}/invitations/{quote(invitation, safe='')}")

    def accept_invitation(self, secret: str) -> Document:
        """Join an organization with the secret of an invitation. Raises: Invalid `invalid_invitation`."""
        return self._transport.send("POST", "/v1/invitations/accept", document={"token": secret})

    def change_password(self, current: str | None, new: str) -> Document:
        """Change the caller's password. Raises: Denied `wrong_password`, Invalid `weak_password`."""
        return self._transport.send("POST", "/v1/me/password", document=_given(current_password=current, new_password=new))

    def second_factor(self, step: str = "", **fields: str | None) -> Document:
        """Take one step around the second factor: none (begin), confirm, disable, recovery-codes."""
        return self._transport.send("POST", f"/v1/me/two-factor{'/' if step else ''}{step}", document=_given(**fields))

    def second_factor_state(self) -> Document:
        """Return whether the second factor is on, and how many recovery codes are left."""
        return self._transport.send("GET", "/v1/me/two-factor")

    def _organization(self) -> str:
        if not self._handle:
            account = self.me()["account"]
            self._handle = account["handle"] if account else "none"
        return f"/v1/organizations/{quote(self._handle, safe='')}"

    def _member(self, member: str) -> str:
        return f"{self._organization()}/members/{quote(member, safe='')}"


def _given(**fields: Any) -> Document:  # noqa: ANN401 -- JSON
    return {name: value for name, value in fields.items() if value is not None}
