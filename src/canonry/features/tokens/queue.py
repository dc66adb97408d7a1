"""Background work of tokens and keys."""

from canonry.infra.jobs import Job

REVOKE = Job("tokens.revoke_all", is_quick=True)
"""Revokes what a person has in an organization; heard when they are no member of it any more."""
REVOKE_EVERYWHERE = Job("tokens.revoke_everywhere", is_quick=True)
"""Revokes what a person has in every organization; heard when they were deactivated."""
