-- People, organizations, tokens, projects, deployments, releases, instances, hosts, events.

CREATE TABLE users (
    id text PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE organizations (
    id text PRIMARY KEY,
    handle text NOT NULL UNIQUE CHECK (handle = lower(handle)),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE members (
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'viewer')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, user_id)
);

CREATE TABLE tokens (
    id text PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    prefix text NOT NULL,
    sha256 bytea NOT NULL UNIQUE,
    scope text NOT NULL CHECK (scope IN ('read', 'deploy', 'admin')),
    project_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE projects (
    id text PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'running', 'crashed', 'stopped')),
    repo_url text,
    repo_branch text NOT NULL DEFAULT 'main',
    root_dir text,
    node_version text,
    python_version text,
    install_command text,
    build_command text,
    start_command text,
    output_dir text,
    health_path text,
    pins jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX projects_by_organization ON projects (organization_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX projects_name_in_organization ON projects (organization_id, lower(name));

-- How many instances of each process run, and how big they are; a process that is not listed runs once.
CREATE TABLE scales (
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    environment text NOT NULL,
    process text NOT NULL,
    instances integer NOT NULL CHECK (instances BETWEEN 0 AND 32),
    memory_mb integer,
    cpu real,
    PRIMARY KEY (project_id, environment, process)
);

CREATE TABLE hosts (
    host text PRIMARY KEY,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    environment text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX hosts_by_project ON hosts (project_id, environment);

CREATE TABLE deployments (
    id text PRIMARY KEY,
    organization_id text NOT NULL,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    environment text NOT NULL,
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'building', 'deploying', 'live', 'superseded', 'failed', 'cancelled')),
    step text NOT NULL DEFAULT 'queued',
    trigger text NOT NULL,
    source jsonb NOT NULL,
    ref text,
    commit text,
    commit_message text,
    tree text,
    release_id text,
    artifact_id text,
    reused boolean NOT NULL DEFAULT false,
    release_command_done boolean NOT NULL DEFAULT false,
    cancel_requested boolean NOT NULL DEFAULT false,
    url text,
    error jsonb,
    created_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX deployments_by_project ON deployments (project_id, created_at DESC, id DESC);
CREATE INDEX deployments_unfinished ON deployments (project_id, environment) WHERE status IN ('queued', 'building', 'deploying');
CREATE UNIQUE INDEX deployments_one_live ON deployments (project_id, environment) WHERE status = 'live';

-- A release is an artifact with its frozen configuration; it never changes.
CREATE TABLE releases (
    id text PRIMARY KEY,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    environment text NOT NULL,
    deployment_id text NOT NULL,
    artifact_id text NOT NULL,
    plan jsonb NOT NULL,
    variables jsonb NOT NULL DEFAULT '{}',
    commit text,
    tree text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX releases_by_project ON releases (project_id, created_at DESC);

CREATE TABLE instances (
    id text PRIMARY KEY,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    environment text NOT NULL,
    release_id text NOT NULL,
    deployment_id text NOT NULL,
    process text NOT NULL,
    index integer NOT NULL,
    status text NOT NULL DEFAULT 'starting'
        CHECK (status IN ('starting', 'healthy', 'unhealthy', 'draining', 'crashed', 'crash_loop', 'stopped')),
    restarts integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    address text,
    reason text NOT NULL DEFAULT '',
    memory_mb integer NOT NULL,
    cpu real,
    started_at timestamptz NOT NULL DEFAULT now(),
    next_start_at timestamptz,
    stop_after timestamptz,
    stopped_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX instances_one_of_each ON instances (release_id, process, index) WHERE status NOT IN ('draining', 'stopped');
CREATE INDEX instances_by_project ON instances (project_id, environment);

CREATE TABLE events (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    organization_id text NOT NULL,
    payload jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
