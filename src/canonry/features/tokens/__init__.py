"""API tokens: `cnr_` values that authenticate a request.

Only a token's SHA-256 is stored, so that the database alone lets nobody in; the value is shown once, when it is made.
"""

from canonry.features.tokens.service import TokenIdentity, create_token

__all__ = ["TokenIdentity", "create_token"]
