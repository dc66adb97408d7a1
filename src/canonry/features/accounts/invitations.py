"""Inviting people into an organization: the invitation is bound to an address, and its secret goes there and nowhere else."""

from collections.abc import Sequence

from canonry.core.access import Actor, Permission, Role, require, require_person, require_unbound
from canonry.core.errors import Conflict, Denied, Invalid, Issue, NotFound
from canonry.core.ids import new_id
from canonry.core.mail import parse_address
from canonry.core.paging import Page, cut
from canonry.features.accounts import attempts, letters, links, organizations, service
from canonry.features.accounts.attempts import Allowance
from canonry.features.accounts.context import Context
from canonry.features.accounts.events import InvitationSent, InvitationWithdrawn, MemberAdded
from canonry.features.accounts.models import Invitation, Membership, User
from canonry.features.accounts.profile import require_verified
from canonry.features.accounts.rules import require_rank
from canonry.features.accounts.store import invitations as store
from canonry.features.accounts.store import organizations as organization_store
from canonry.features.accounts.store import users
from canonry.infra.mailbox import queue_mail
from canonry.infra.tx import Tx

_INVITE = Allowance("invite", 50, 24 * 3600)


def invite(context: Context, tx: Tx, actor: Actor, key: str, *, email: str, role: Role) -> Invitation:
    """Mail an invitation; one that went to the same address before counts no more.

    Raises: NotFound `organization_not_found`; Denied `insufficient_scope`, `owner_needed`, `email_not_verified`; Invalid `invalid_email`;
    Conflict `already_member`; Limited `too_many_attempts`: fifty a day for each organization.
    """
    organization = organizations.find_to_manage(tx, actor, key)
    require_rank(Role(organization.role), role)
    require_verified(tx, actor.user_id)
    email = parse_address(email)
    if organization_store.member(tx, organization.id, email):
        raise _already_member(email)
    attempts.take(tx, _INVITE, attempts.keys_of(_INVITE, account=organization.id))
    secret, invitation_id = links.new_secret(), new_id("inv")
    store.put(tx, invitation_id, organization_id=organization.id, email=email, role=role, sha256=links.digest(secret),
              invited_by=actor.user_id)  # fmt: skip
    made = _find(tx, organization.id, invitation_id)
    queue_mail(tx, context.vault, letters.invitation(context.settings, email, organization.name, made.inviter or "Somebody", secret))
    tx.emit(InvitationSent(organization.id, invitation_id), after={"email": email, "role": role.value})
    return made


def page(tx: Tx, actor: Actor, key: str, wanted: Page) -> tuple[Sequence[Invitation], str | None]:
    """Return one page of the invitations that wait, the newest first. Raises: NotFound `organization_not_found`; Denied."""
    organization = organizations.find(tx, actor, key)
    require(actor, Permission.ORG_MANAGE)
    require_unbound(actor)
    return cut(store.page(tx, organization.id, wanted), wanted)


def withdraw(tx: Tx, actor: Actor, key: str, invitation_id: str) -> None:
    """Make an invitation useless. Raises: NotFound `organization_not_found`, `invitation_not_found`; Denied."""
    organization = organizations.find_to_manage(tx, actor, key)
    found = _find(tx, organization.id, invitation_id)
    require_rank(Role(organization.role), Role(found.role))
    store.delete(tx, found.id)
    tx.emit(InvitationWithdrawn(organization.id, found.id), before={"email": found.email, "role": found.role})


def look_up(tx: Tx, secret: str) -> Invitation:
    """Return the invitation with that secret. Raises: Invalid `invalid_invitation`."""
    found = store.find_by_secret(tx, links.digest(secret))
    if found is None:
        raise _invalid()
    return found


def accept(tx: Tx, actor: Actor, secret: str) -> Membership:
    """Let the caller join the organization whose invitation came to their address.

    Raises: Denied `insufficient_scope`, `invitation_for_another`; Invalid `invalid_invitation`; Conflict `already_member`.
    """
    require_person(actor)
    return join(tx, service.get_user(tx, actor.user_id), look_up(tx, secret))


def join(tx: Tx, user: User, invitation: Invitation) -> Membership:
    """Make a person a member with their invitation. That they have its secret shows that the address is theirs.

    Raises: Denied `invitation_for_another`; Invalid `invalid_invitation`; Conflict `already_member`.
    """
    require_address(invitation, user.email)
    organization_store.hold_members(tx, invitation.organization_id)
    if organization_store.member(tx, invitation.organization_id, user.id):
        raise _already_member(user.email)
    if not store.delete(tx, invitation.id):
        raise _invalid()
    users.set_verified(tx, user.id)
    organization_store.insert_member(tx, invitation.organization_id, user.id, invitation.role)
    tx.emit(MemberAdded(invitation.organization_id, user.id), after={"role": invitation.role, "email": user.email})
    return next(item for item in service.memberships(tx, user.id) if item.organization_id == invitation.organization_id)


def require_address(invitation: Invitation, email: str) -> None:
    """Return when the invitation went to that address. Raises: Denied `invitation_for_another`."""
    if email != invitation.email:
        raise Denied("invitation_for_another", "This invitation went to another e-mail address than yours.",
                     hint="Sign in with the account of that address, or ask for an invitation to yours.")  # fmt: skip


def _find(tx: Tx, organization_id: str, invitation_id: str) -> Invitation:
    found = None if "\0" in invitation_id else store.find(tx, organization_id, invitation_id)
    if found is None:
        raise NotFound(
            "invitation_not_found", f"There is no invitation {invitation_id!r}.", hint="It was accepted or withdrawn, or is over."
        )
    return found


def _already_member(email: str) -> Conflict:
    return Conflict("already_member", f"{email} is a member already.", hint="Change the role instead.")


def _invalid() -> Invalid:
    return Invalid("invalid_invitation", "This invitation is wrong, has expired, or was used or withdrawn.", hint="Ask for another one.",
                   issues=[Issue("body.token", "not a valid invitation", "invitation")])  # fmt: skip
