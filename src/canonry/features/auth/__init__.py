"""Sign-in: sessions of browsers and of command lines, by password, through an OpenID provider, by approving a device.

The link of a person to their GitHub account stands here too: it is made the same way.
"""

from canonry.features.auth.github.service import git_identity, git_token, users_linked_to
from canonry.features.auth.identity import AccessTokenIdentity, ProviderTokenIdentity, SessionIdentity

__all__ = ["AccessTokenIdentity", "ProviderTokenIdentity", "SessionIdentity", "git_identity", "git_token", "users_linked_to"]
