"""API tokens (`cnr_`) and keys (`sw_`): values that authenticate a request.

Only their SHA-256 is stored, so that the database alone lets nobody in; a value is shown once, when it is made.
"""

from canonry.features.tokens.identity import TokenIdentity
from canonry.features.tokens.service import create_token

__all__ = ["TokenIdentity", "create_token"]
