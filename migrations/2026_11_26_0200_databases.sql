-- Databases of projects. Each is a cluster of its own; the row says whose it is, where it listens and how the app signs in.
CREATE TABLE databases (
    id text PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    project_id text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    environment text NOT NULL,
    role text NOT NULL CHECK (role IN ('live', 'restored', 'retired', 'drill')),
    state text NOT NULL CHECK (state IN ('creating', 'active', 'removing')),
    cluster_id text NOT NULL UNIQUE,
    port integer NOT NULL,
    version text NOT NULL DEFAULT '',
    tier text NOT NULL,
    disk_mb integer NOT NULL,
    login text NOT NULL,
    sealed_password bytea NOT NULL,
    -- The login before the last rotation: it works until every instance that uses it has ended.
    previous_login text,
    sealed_previous bytea,
    previous_until timestamptz,
    rotated_at timestamptz,
    sleeps boolean NOT NULL,
    public boolean NOT NULL DEFAULT false,
    read_only boolean NOT NULL DEFAULT false,
    size_bytes bigint NOT NULL DEFAULT 0,
    last_used_at timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL DEFAULT '',
    -- Somebody works on the stopped cluster (an upgrade, a promotion): until then the rounds leave it alone.
    busy_until timestamptz,
    source text,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Deferred: a promotion exchanges two of them.
    CONSTRAINT databases_port UNIQUE (port) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX databases_live ON databases (project_id, environment) WHERE role = 'live' AND state <> 'removing';
CREATE INDEX databases_project ON databases (project_id, created_at);

-- A release made only because what the database delivers has changed: it is the same version as the one it renews.
ALTER TABLE releases ADD COLUMN renews text;
