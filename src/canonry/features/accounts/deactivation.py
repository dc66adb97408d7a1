"""Use cases of whoever has the machine itself: letting somebody in no more, or again."""

from collections.abc import Sequence

from canonry.core.clock import now
from canonry.core.errors import Conflict, NotFound
from canonry.features.accounts.events import UserActivated, UserDeactivated
from canonry.features.accounts.models import User
from canonry.features.accounts.service import get_user, home_organization, memberships
from canonry.features.accounts.store import invitations, organizations, users
from canonry.infra.tx import Tx


def everybody(tx: Tx) -> Sequence[User]:
    """Return every person of this Canonry, the oldest first."""
    return users.everybody(tx)


def deactivate(tx: Tx, email: str) -> tuple[User, list[str]]:
    """Let a person in no more: from now on all sessions, tokens and keys are refused, and they do not come back with `activate`.

    Returns the person, and the handles of the organizations that have no owner now who can act, though they have other members.
    Raises: NotFound `user_not_found`; Conflict `already_deactivated`, `last_operator`.
    """
    operators = users.hold_operators(tx)
    found = _find(tx, email)
    if operators == [found.id]:
        raise Conflict("last_operator", f"{found.email} is the only one who runs this Canonry.",
                       hint="Nobody could manage it any more, so this person stays.")  # fmt: skip
    if not users.set_active(tx, found.id, active=False):
        raise Conflict("already_deactivated", f"{found.email} is deactivated already.", hint="canonry users ls shows who is.")
    users.refuse_sessions(tx, found.id, now(), but="")
    places = memberships(tx, found.id)
    withdrawn = sorted(address for place in places for address in invitations.withdraw_of(tx, place.organization_id, found.id))
    tx.emit(UserDeactivated(home_organization(tx, found.id), found.id), before={"active": True},
            after={"active": False, "email": found.email, **({"invitations": withdrawn} if withdrawn else {})})  # fmt: skip
    left = [place for place in places if not organizations.count_owners(tx, place.organization_id)]
    return get_user(tx, found.id), [place.handle for place in left if organizations.has_others(tx, place.organization_id, found.id)]


def activate(tx: Tx, email: str) -> User:
    """Let a person sign in again. Raises: NotFound `user_not_found`; Conflict `already_active`."""
    found = _find(tx, email)
    if not users.set_active(tx, found.id, active=True):
        raise Conflict("already_active", f"{found.email} is active.", hint="canonry users ls shows who is not.")
    tx.emit(
        UserActivated(home_organization(tx, found.id), found.id), before={"active": False}, after={"active": True, "email": found.email}
    )
    return get_user(tx, found.id)


def _find(tx: Tx, email: str) -> User:
    found = None if "\0" in email else users.user_by_email(tx, email.strip().lower())
    if found is None:
        raise NotFound("user_not_found", f"There is no account with the address {email!r}.", hint="canonry users ls lists them.")
    return found
