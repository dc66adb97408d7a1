"""Where a change comes from: who asked for it, with what, from which address. Written beside every event."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """user_id: who asked; empty for Canonry itself. credential: `token tok_…`, `session ses_…` and so on. address: of the client."""

    user_id: str = ""
    credential: str = ""
    address: str = ""
    request_id: str = ""


SYSTEM = Origin()
"""Canonry itself: a job, the watch, the command line on the machine."""

current_origin: ContextVar[Origin] = ContextVar("current_origin", default=SYSTEM)
"""Set by the gate of `http/` for the rest of a request; a context variable, because it belongs to the request and to no service."""
