-- How a project is connected to an outside repository: its webhook secret, what private repositories are read with, what came last.

CREATE TABLE git_connections (
    project_id text PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
    url text NOT NULL,
    auto_deploy boolean NOT NULL DEFAULT true,
    sealed_secret bytea NOT NULL,
    sealed_token bytea,
    sealed_key bytea,
    public_key text,
    known_hosts text NOT NULL DEFAULT '',
    connected_at timestamptz NOT NULL DEFAULT now(),
    secret_at timestamptz NOT NULL DEFAULT now(),
    last_delivery_at timestamptz,
    last_delivery_event text,
    last_delivery_outcome text
);
