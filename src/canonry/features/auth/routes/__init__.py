"""HTTP of signing in: sessions (under /v1), and the pages and addresses below /auth and /app."""

from canonry.features.auth.routes.account import router as account
from canonry.features.auth.routes.callback import router as callback
from canonry.features.auth.routes.device import router as device
from canonry.features.auth.routes.github import router as github
from canonry.features.auth.routes.grants import router as grants
from canonry.features.auth.routes.identity import router as identity
from canonry.features.auth.routes.login import router as login
from canonry.features.auth.routes.sessions import router as sessions

api_routers = (sessions,)
root_routers = (login, callback, account, grants, device, github, identity)

__all__ = ["api_routers", "root_routers"]
