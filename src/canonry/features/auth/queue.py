"""Background work of signing in."""

from canonry.infra.jobs import Job

END = Job("auth.end_sessions", is_quick=True)
"""Ends every session of a person; heard when their password was changed."""
