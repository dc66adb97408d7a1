"""Every router of the system: find any address here."""

from canonry.features.accounts.routes import root_routers as account_pages
from canonry.features.accounts.routes import routers as accounts
from canonry.features.audit.routes import router as audit
from canonry.features.auth.routes import api_routers as auth
from canonry.features.auth.routes import root_routers as auth_pages
from canonry.features.backups.asking.routes import router as database_backups
from canonry.features.backups.dumps.routes import router as dumps
from canonry.features.backups.points.routes import router as backups
from canonry.features.backups.proofs.routes import router as proofs
from canonry.features.backups.restores.routes import router as restores
from canonry.features.coverage.routes import router as coverage
from canonry.features.dashboard.routes import router as dashboard
from canonry.features.databases.routes import router as databases
from canonry.features.deployments.routes import routers as deployments
from canonry.features.disk.routes import router as disk
from canonry.features.domains.routes import router as domains
from canonry.features.editor.routes import router as editor
from canonry.features.env.routes import router as env
from canonry.features.git.connection.routes import router as git_connection
from canonry.features.git.elsewhere.routes import router as elsewhere
from canonry.features.git.notices.routes import router as notices
from canonry.features.git.pulls.routes import router as pulls
from canonry.features.git.repositories.routes import router as repositories
from canonry.features.git.routes import router as git
from canonry.features.notifications.routes import router as notifications
from canonry.features.observe.routes import root_router as figures
from canonry.features.observe.routes import routers as observe
from canonry.features.previews.routes import router as previews
from canonry.features.previews.webhook.routes import router as git_webhook
from canonry.features.projects.routes import router as projects
from canonry.features.search.routes import router as search
from canonry.features.specs.routes import admin_router as indexing
from canonry.features.specs.routes import router as specs
from canonry.features.tickets.routes import proxy_router as ticket_proxy
from canonry.features.tickets.routes import router as tickets
from canonry.features.tokens.routes import key_router as keys
from canonry.features.tokens.routes import router as tokens
from canonry.features.volumes.routes import router as volumes
from canonry.features.webhooks.routes import router as webhooks
from canonry.http.routing import Routes

# Where two fit an address, the one that comes first answers.
API: tuple[Routes, ...] = (
    projects,
    *deployments,
    databases,
    backups,
    database_backups,
    restores,
    dumps,
    proofs,
    *accounts,
    *auth,
    tokens,
    env,
    volumes,
    git_connection,
    elsewhere,
    repositories,
    pulls,
    tickets,
    git_webhook,
    previews,
    *observe,
    domains,
    disk,
    notifications,
    webhooks,
    audit,
)
"""Served under /v1 and, for older clients, at the same paths without it."""

ROOT: tuple[Routes, ...] = (
    git,
    notices,
    indexing,
    specs,
    search,
    coverage,
    dashboard,
    editor,
    ticket_proxy,
    *auth_pages,
    *account_pages,
    keys,
    figures,
)
"""Served exactly where they say."""
