"""The rows of the contract: each operation of the two platform APIs and the features across them, in the words of its table.

A test that proves a row carries `@pytest.mark.contract(system, operation)` with these very words.
"""

_CANNER = """
POST /v1/projects
GET /v1/projects
GET /v1/projects/{slug}
PATCH /v1/projects/{slug}
DELETE /v1/projects/{slug}
POST /v1/projects/{slug}/stop
POST /v1/projects/{slug}/start
POST /v1/projects/{slug}/deploy
GET /v1/projects/{slug}/deployments
GET /v1/deployments/{id}
POST /v1/deployments/{id}/retry
POST /v1/deployments/{id}/cancel
POST /v1/deployments/{id}/rollback
GET /v1/deployments/{id}/logs
GET /v1/deployments/{id}/logs/stream
GET /v1/projects/{slug}/metrics
GET /v1/projects/{slug}/logs
GET /v1/projects/{slug}/domains
POST /v1/projects/{slug}/domains
GET /v1/projects/{slug}/domains/{hostname}
POST /v1/projects/{slug}/domains/{hostname}/verify
POST /v1/projects/{slug}/domains/{hostname}/primary
DELETE /v1/projects/{slug}/domains/{hostname}
GET /v1/projects/{slug}/env
POST /v1/projects/{slug}/env
PATCH /v1/projects/{slug}/env/{key}
DELETE /v1/projects/{slug}/env/{key}
POST /v1/projects/{slug}/database
GET /v1/projects/{slug}/database
DELETE /v1/projects/{slug}/database
POST /v1/tokens
GET /v1/tokens
DELETE /v1/tokens/{id}
POST /v1/projects/{slug}/upload
bearer token and session cookie
unversioned aliases
error envelope and request id
rate-limit headers
keyset pagination
OpenAPI document and llms.txt
CLI login and deploy --follow
"""

_CANTILA = """
GET /v1/projects
POST /v1/projects
GET /v1/projects/:id
GET /v1/projects/by-handle/:handle/:name
POST /v1/projects/:id/deploy
POST /v1/projects/:id/deploy/stream
POST /v1/deploy/plan
GET /v1/projects/:id/logs
GET /v1/projects/:id/metrics
GET /v1/projects/:id/backups
POST /v1/projects/:id/backups
GET /v1/projects/:id/env
POST /v1/projects/:id/env
POST /v1/projects/:id/scale
GET /v1/projects/:id/instances
GET /v1/projects/:id/database
GET /v1/projects/:id/previews
POST /v1/projects/:id/previews
GET /v1/projects/:id/git
POST /v1/projects/:id/git
POST /v1/projects/:id/git/rotate-secret
POST /v1/projects/:id/git/webhook
GET /v1/projects/:id/domains
GET /v1/projects/:id/aliases
POST /v1/projects/:id/aliases
GET /v1/projects/:id/assets
scopes read, deploy, admin
activity audit
"""

_CANON = """
GET /app/{org}/api/session
GET /app/{org}/api/profile
GET /app/{org}/settings/api-keys/
POST /app/{org}/settings/api-keys/
DELETE /app/{org}/settings/api-keys/{key_id}
GET /auth/callback
GET /auth/login
GET /auth/logout
POST /auth/refresh
POST /auth/revoke
POST /auth/device/code
POST /auth/device/token
GET /auth/github/callback
GET /auth/github/disconnect
GET /auth/github/login
GET /app/admin/api/indexing
POST /app/admin/api/reindex/{installation_id}
GET /app/{org}/api/docs/{owner}/{repo}/{file_path}
GET /app/{org}/api/repos/{owner}/{repo}
GET /app/{org}/api/search
GET /app/{org}/api/coverage
GET /app/{org}/api/dashboard
GET /app/{org}/api/welcome
POST /app/{org}/api/tickets/batch-status
POST /app/{org}/api/tickets/create
POST /app/{org}/api/tickets/link-pr
POST /app/{org}/api/tickets/status
POST /app/{org}/api/tickets/update
GET /app/{org}/editor/repos
GET /app/{org}/editor/{owner}/{repo}/new/template
POST /app/{org}/editor/{owner}/{repo}/parse
POST /app/{org}/editor/{owner}/{repo}/preview
GET /app/{org}/editor/{owner}/{repo}/{file_path}/json
POST /app/{org}/editor/{owner}/{repo}/{file_path}/save
POST /app/{org}/editor/{owner}/{repo}/{file_path}/save-pr
coverage snapshots
ticket sync both ways
GET /app/{org}/api/specs/{owner}/{repo}/{file_path}
GET /app/{org}/api/tasks
GET /healthz
GET /readyz
POST /webhook
device login from the CLI
spec parser
CANON.yaml
CLI lint, status, tasks, start, done, search, verify --gate
"""


def rows() -> frozenset[tuple[str, str]]:
    """Return every row that a test has to prove, as (system, operation)."""
    tables = {"Canner": _CANNER, "Cantila": _CANTILA, "Canon": _CANON}
    return frozenset((system, line) for system, table in tables.items() for line in table.strip().splitlines())
