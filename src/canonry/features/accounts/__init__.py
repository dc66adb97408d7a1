"""People, organizations and memberships.

The bottom floor: every other feature may ask who somebody is; this one asks nobody.
"""

from canonry.features.accounts import attempts
from canonry.features.accounts.deactivation import activate, deactivate, everybody
from canonry.features.accounts.identities import find_or_create_from_identity
from canonry.features.accounts.models import Membership, Organization, Recipient, User
from canonry.features.accounts.password import set_password
from canonry.features.accounts.profile import require_verified
from canonry.features.accounts.rules import derive_handle
from canonry.features.accounts.service import (
    create_owner,
    find_organization,
    first_owner,
    get_organization,
    get_user,
    membership,
    memberships,
    operator_addresses,
    passwords_in_use,
    reachable_members,
)
from canonry.features.accounts.sign_in import sign_in

__all__ = [
    "Membership",
    "Organization",
    "Recipient",
    "User",
    "activate",
    "attempts",
    "create_owner",
    "deactivate",
    "derive_handle",
    "everybody",
    "find_or_create_from_identity",
    "find_organization",
    "first_owner",
    "get_organization",
    "get_user",
    "membership",
    "memberships",
    "operator_addresses",
    "passwords_in_use",
    "reachable_members",
    "require_verified",
    "set_password",
    "sign_in",
]
