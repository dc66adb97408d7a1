"""Errors that the contracts of several ports name."""

from canonry.core.errors import CanonryError


class BuildFailed(CanonryError):
    """A build ended without an artifact, for a reason that the user can mend."""


class BuildCancelled(CanonryError):
    """A build was ended on request."""


class StartFailed(CanonryError):
    """An instance could not be started at all (the command is missing, the sandbox refused)."""
