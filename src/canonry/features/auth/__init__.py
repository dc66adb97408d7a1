"""Sign-in: sessions of browsers and of command lines, by password, through an OpenID provider, or by approving a device; the link to GitHub."""

from canonry.features.auth.identity import SessionIdentity

__all__ = ["SessionIdentity"]
