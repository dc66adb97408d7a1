"""People who come through an outside provider (OpenID Connect)."""

from collections.abc import Sequence

import psycopg

from canonry.core.errors import Conflict, Denied, Invalid
from canonry.core.mail import parse_address
from canonry.features.accounts import service
from canonry.features.accounts.events import IdentityLinked
from canonry.features.accounts.models import User
from canonry.features.accounts.sign_in import active_user
from canonry.features.accounts.store import users as store
from canonry.infra.tx import Tx


def find_or_create_from_identity(
    tx: Tx, *, issuer: str, subject: str, email: str, email_verified: bool, name: str, domains: Sequence[str] = ()
) -> User:  # fmt: skip
    """Return the person behind an identity; somebody new gets an account and an organization of their own.

    domains: of addresses that are let in; none for all. Whoever is known by this identity already was let in.

    An account that exists is linked only when its address is verified here and by the provider: else whoever may choose an address there,
    or registered somebody else's here, would get into it.
    Raises: Denied `account_deactivated`, `email_domain_not_allowed`; Conflict `email_taken`, `identity_taken`; Invalid `invalid_email`,
    `invalid_identity`.
    """
    if not issuer or not subject or "\0" in issuer + subject:
        raise Invalid("invalid_identity", "The provider did not say who this is.", hint="Look at the provider's settings.")
    if known := store.user_of_identity(tx, issuer, subject):
        return active_user(tx, known.id)
    address = parse_address(email, field="email")
    _require_domain(address, domains, verified=email_verified)
    found = store.user_by_email(tx, address)
    if found is not None:
        if found.deactivated_at is not None:
            raise Denied("account_deactivated", "This account has been deactivated.", hint="Ask whoever runs this Canonry.")
        if not email_verified or found.email_verified_at is None:
            raise Conflict("email_taken", "There is an account with this e-mail address that is not connected with this provider.",
                           hint="Verify the address, here and at the provider, then sign in again.")  # fmt: skip
    user = found or service.create_person(tx, email=address, name=name, verified=email_verified)
    try:
        with tx.connection.transaction():
            store.insert_identity(tx, issuer, subject, user.id, address)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict("identity_taken", "This identity was connected at the same moment.", hint="Sign in again.") from error
    tx.emit(IdentityLinked(service.home_organization(tx, user.id), user.id, issuer))
    return user


def _require_domain(address: str, domains: Sequence[str], *, verified: bool) -> None:
    """Return when an address is let in: it is at one of the domains, and the provider says that it belongs to this person."""
    if not domains or (verified and address.rpartition("@")[2] in domains):
        return
    if address.rpartition("@")[2] in domains:
        raise Denied("email_domain_not_allowed", "The provider has not verified your e-mail address, so you are not let in here.",
                     hint="Verify it there, then sign in again.")  # fmt: skip
    raise Denied("email_domain_not_allowed", "People with an e-mail address of that domain are not let in here.",
                 hint="Sign in with an address of your company, or ask whoever runs this Canonry.")  # fmt: skip
