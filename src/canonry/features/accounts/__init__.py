"""People, organizations and memberships.

The bottom floor: every other feature may ask who somebody is; this one asks nobody.
"""

from canonry.features.accounts.models import Organization, User
from canonry.features.accounts.service import create_owner, find_organization, first_owner, get_organization, get_user

__all__ = ["Organization", "User", "create_owner", "find_organization", "first_owner", "get_organization", "get_user"]
