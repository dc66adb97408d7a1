"""Use cases around people and organizations."""

from canonry.core.errors import NotFound
from canonry.core.ids import new_id
from canonry.features.accounts import store
from canonry.features.accounts.models import Organization, User
from canonry.infra.tx import Tx


def create_owner(tx: Tx, *, email: str, name: str, handle: str, organization_name: str) -> tuple[str, str]:
    """Make a person and an organization that this person owns. Returns (user id, organization id)."""
    user_id, organization_id = new_id("usr"), new_id("org")
    store.insert_user(tx, user_id, email.lower(), name)
    store.insert_organization(tx, organization_id, handle.lower(), organization_name)
    store.insert_member(tx, organization_id, user_id, "owner")
    return user_id, organization_id


def first_owner(tx: Tx) -> tuple[str, str] | None:
    """Return (user id, organization id) of the first owner, None on a Canonry that has nobody yet."""
    return store.first_owner(tx)


def get_user(tx: Tx, user_id: str) -> User:
    """Return a person. Raises: NotFound `user_not_found`."""
    found = store.user(tx, user_id)
    if found is None:
        raise NotFound("user_not_found", "There is no such user.")
    return found


def get_organization(tx: Tx, organization_id: str) -> Organization:
    """Return an organization. Raises: NotFound `organization_not_found`."""
    found = store.organization(tx, organization_id)
    if found is None:
        raise NotFound("organization_not_found", "There is no such organization.")
    return found


def find_organization(tx: Tx, handle: str) -> Organization | None:
    """Return the organization with that handle, in any letter case and with or without a leading `@`."""
    return store.organization_by_handle(tx, handle.removeprefix("@").lower())
