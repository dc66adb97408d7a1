"""HTTP for accounts, one file for each subject."""

from canonry.features.accounts.routes.invitations import router as invitations
from canonry.features.accounts.routes.me import router as me
from canonry.features.accounts.routes.organizations import router as organizations
from canonry.features.accounts.routes.pages import router as pages
from canonry.features.accounts.routes.registration import router as registration
from canonry.features.accounts.routes.second_factor import router as second_factor
from canonry.http.routing import Routes

routers: tuple[Routes, ...] = (me, second_factor, registration, organizations, invitations)
"""Served under /v1."""

root_routers: tuple[Routes, ...] = (pages,)
"""Served exactly where they say."""
