"""Use cases around the members of an organization. It always keeps an owner, however many change it at once."""

from collections.abc import Sequence

from canonry.core.access import Actor, Permission, Role, granted, require, require_person, require_unbound
from canonry.core.errors import Conflict, NotFound
from canonry.core.paging import Page, cut
from canonry.features.accounts import organizations
from canonry.features.accounts.events import MemberRemoved, MemberRoleChanged
from canonry.features.accounts.models import Member
from canonry.features.accounts.rules import require_rank
from canonry.features.accounts.store import invitations
from canonry.features.accounts.store import organizations as store
from canonry.infra.tx import Tx


def page(tx: Tx, actor: Actor, key: str, wanted: Page) -> tuple[Sequence[Member], str | None]:
    """Return one page of the members, the newest first. Raises: NotFound `organization_not_found`; Denied `insufficient_scope`."""
    organization = organizations.find(tx, actor, key)
    require_unbound(actor)  # who is in the organization is no business of one project's credential
    return cut(store.page_of_members(tx, organization.id, wanted), wanted)


def change_role(tx: Tx, actor: Actor, key: str, member: str, role: Role) -> Member:
    """Give a member, named by id or e-mail address, another role. What they lose the right to send is withdrawn: their invitations.

    Raises: NotFound `organization_not_found`, `member_not_found`; Denied `insufficient_scope`, `owner_needed`; Conflict `last_owner`.
    """
    organization = organizations.find_to_manage(tx, actor, key)
    found = _find(tx, organization.id, member)
    require_rank(Role(organization.role), Role(found.role), role)
    if found.role == role:
        return found
    if found.role == Role.OWNER:
        _require_another_owner(tx, organization.id)
    store.set_role(tx, organization.id, found.id, role)
    lowered = Permission.ORG_MANAGE not in granted(role, operator=False) or (found.role == Role.OWNER and role != Role.OWNER)
    withdrawn = _withdraw(tx, organization.id, found.id) if lowered else {}
    tx.emit(MemberRoleChanged(organization.id, found.id), before={"role": found.role, **withdrawn}, after={"role": role.value})
    return _find(tx, organization.id, found.id)


def remove(tx: Tx, actor: Actor, key: str, member: str) -> None:
    """Remove a member, or leave oneself: tokens, keys, sessions and invitations of that person count no more here.

    Raises: NotFound `organization_not_found`, `member_not_found`; Denied `insufficient_scope`, `owner_needed`; Conflict `last_owner`.
    """
    organization = organizations.find(tx, actor, key)
    found = _find(tx, organization.id, member)
    if found.id == actor.user_id:
        require_person(actor)
    else:
        require(actor, Permission.ORG_MANAGE)
        organization = organizations.find_to_manage(tx, actor, key)
    store.hold_members(tx, organization.id)
    found = _find(tx, organization.id, found.id)  # the role may have changed while we waited
    if found.id != actor.user_id:
        require_rank(Role(organization.role), Role(found.role))
    if found.role == Role.OWNER:
        _require_another_owner(tx, organization.id)
    store.delete_member(tx, organization.id, found.id)
    withdrawn = _withdraw(tx, organization.id, found.id)
    tx.emit(MemberRemoved(organization.id, found.id), before={"role": found.role, "email": found.email, **withdrawn})


def _withdraw(tx: Tx, organization_id: str, user_id: str) -> dict[str, list[str]]:
    """Make the invitations useless that somebody sent: with one to another address of theirs they would be back at once.

    Returns what the event says of it.
    """
    addresses = invitations.withdraw_of(tx, organization_id, user_id)
    return {"invitations": addresses} if addresses else {}


def _find(tx: Tx, organization_id: str, key: str) -> Member:
    found = None if "\0" in key else store.member(tx, organization_id, key.lower())
    if found is None:
        raise NotFound("member_not_found", f"There is no member {key!r} here.", hint="Name one by id or e-mail address.")
    return found


def _require_another_owner(tx: Tx, organization_id: str) -> None:
    if store.count_owners(tx, organization_id) < 2:
        raise Conflict("last_owner", "This is the last owner, and an organization needs one.", hint="Make somebody else an owner first.")
