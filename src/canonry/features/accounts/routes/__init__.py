"""HTTP for accounts, one file for each subject."""

from canonry.features.accounts.routes.me import router as me
from canonry.features.accounts.routes.registration import router as registration
from canonry.http.routing import Routes

routers: tuple[Routes, ...] = (me, registration)
"""Served under /v1."""
