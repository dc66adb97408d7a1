"""Use cases around people: who they are, how they come to be, what they belong to."""

from collections.abc import Sequence

import psycopg

from canonry.core.access import Role
from canonry.core.errors import Conflict, NotFound
from canonry.core.ids import new_id
from canonry.features.accounts.events import UserRegistered
from canonry.features.accounts.models import Membership, Organization, Recipient, User
from canonry.features.accounts.rules import derive_handle
from canonry.features.accounts.store import organizations, users
from canonry.infra.tx import Tx

_ATTEMPTS = 20


def create_owner(tx: Tx, *, email: str, name: str, handle: str, organization_name: str) -> tuple[str, str]:
    """Make a person whose address counts as verified, and an organization that this person owns. For whoever has the machine itself.

    The first person of all is the operator of this Canonry. Returns (user id, organization id).
    """
    user_id, organization_id = new_id("usr"), new_id("org")
    users.insert_user(tx, user_id, email.lower(), name, verified=True, operator=users.nobody_yet(tx))
    if not organizations.insert_organization(tx, organization_id, handle.lower(), organization_name):
        raise handle_taken(handle)
    organizations.insert_member(tx, organization_id, user_id, Role.OWNER)
    tx.emit(UserRegistered(organization_id, user_id), after={"email": email.lower(), "name": name, "organization": handle.lower()})
    return user_id, organization_id


def create_person(tx: Tx, *, email: str, name: str, verified: bool, handle: str | None = None) -> User:
    """Make a person and an organization of their own. email: lower case. handle: checked already; derived from the address without it.

    Raises: Conflict `email_taken`, `handle_taken`.
    """
    user_id, organization_id = new_id("usr"), new_id("org")
    try:
        with tx.connection.transaction():
            users.insert_user(tx, user_id, email, name or email.partition("@")[0], verified=verified, operator=users.nobody_yet(tx))
    except psycopg.errors.UniqueViolation as error:
        raise Conflict(
            "email_taken", "There is an account with this e-mail address.", hint="Sign in, or ask for a new password."
        ) from error
    chosen = _insert_organization(tx, organization_id, handle, email, name)
    organizations.insert_member(tx, organization_id, user_id, Role.OWNER)
    tx.emit(UserRegistered(organization_id, user_id), after={"email": email, "name": name, "organization": chosen})
    return get_user(tx, user_id)


def _insert_organization(tx: Tx, organization_id: str, handle: str | None, email: str, name: str) -> str:
    for attempt in range(1, 2 if handle else _ATTEMPTS):
        tried = handle or derive_handle(email, attempt)
        if organizations.insert_organization(tx, organization_id, tried, name or tried):
            return tried
    raise handle_taken(handle or derive_handle(email))


def set_address(tx: Tx, user_id: str, email: str) -> None:
    """Give a person another, verified address. Raises: Conflict `email_taken`."""
    try:
        with tx.connection.transaction():
            users.set_email(tx, user_id, email)
    except psycopg.errors.UniqueViolation as error:
        raise _email_taken() from error


def handle_taken(handle: str) -> Conflict:
    """Return the error for a handle that an organization has already."""
    return Conflict("handle_taken", f"The handle {handle!r} is taken.", hint="Choose another one.")


def first_owner(tx: Tx) -> tuple[str, str] | None:
    """Return (user id, organization id) of the first owner, None on a Canonry that has nobody yet."""
    return organizations.first_owner(tx)


def passwords_in_use(tx: Tx) -> bool:
    """Say whether anybody can sign in with a password."""
    return users.any_password(tx)


def get_user(tx: Tx, user_id: str) -> User:
    """Return a person. Raises: NotFound `user_not_found`."""
    found = users.user(tx, user_id)
    if found is None:
        raise NotFound("user_not_found", "There is no such user.")
    return found


def memberships(tx: Tx, user_id: str) -> Sequence[Membership]:
    """Return the organizations of a person, the oldest membership first."""
    return organizations.memberships(tx, user_id)


def membership(tx: Tx, user_id: str, handle: str) -> Membership | None:
    """Return what a person is in the organization with that handle (any letter case, with or without `@`), None for no member."""
    wanted = handle.removeprefix("@").lower()
    return next((found for found in organizations.memberships(tx, user_id) if found.handle == wanted), None)


def home_organization(tx: Tx, user_id: str) -> str:
    """Return the id of a person's oldest organization, empty for somebody in none: there stands what concerns the person alone."""
    found = organizations.memberships(tx, user_id)
    return found[0].organization_id if found else ""


def is_known(tx: Tx, email: str) -> bool:
    """Say whether somebody has an account with that address."""
    return users.user_by_email(tx, email) is not None


def get_organization(tx: Tx, organization_id: str) -> Organization:
    """Return an organization. Raises: NotFound `organization_not_found`."""
    found = organizations.organization(tx, organization_id)
    if found is None:
        raise NotFound("organization_not_found", "There is no such organization.")
    return found


def find_organization(tx: Tx, handle: str) -> Organization | None:
    """Return the organization with that handle, in any letter case and with or without a leading `@`."""
    return organizations.organization_by_handle(tx, handle.removeprefix("@").lower())


def _email_taken() -> Conflict:
    return Conflict("email_taken", "There is an account with this e-mail address.", hint="Sign in, or ask for a new password.")


def operator_addresses(tx: Tx) -> Sequence[str]:
    """Return where those who run this Canonry can be written to."""
    return organizations.operator_addresses(tx)


def reachable_members(tx: Tx, organization_id: str) -> Sequence[Recipient]:
    """Return the members of an organization who can be written to, owners first: not those without a verified address of their own."""
    return organizations.reachable_members(tx, organization_id)
