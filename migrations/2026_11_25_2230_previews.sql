-- Previews of branches and pull requests, and the webhook deliveries that were taken.

CREATE TABLE previews (
    id text PRIMARY KEY,
    organization_id text NOT NULL,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    environment text NOT NULL,
    branch text NOT NULL,
    pull_request integer,
    fork text,
    commit text,
    commit_message text,
    approved_commit text,
    deployment_id text,
    label text NOT NULL,
    lifetime interval NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE UNIQUE INDEX previews_one_open ON previews (project_id, environment) WHERE closed_at IS NULL;
CREATE INDEX previews_by_project ON previews (project_id, created_at DESC, id DESC) WHERE closed_at IS NULL;
CREATE INDEX previews_by_expiry ON previews (expires_at) WHERE closed_at IS NULL;

-- key: `id …` of the host's own number for the delivery, or `body …` of the SHA-256 of what was signed.
CREATE TABLE git_deliveries (
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    key text NOT NULL,
    answer jsonb,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, key)
);
CREATE INDEX git_deliveries_by_expiry ON git_deliveries (expires_at);
