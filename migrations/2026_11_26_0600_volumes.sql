-- Volumes: folders that an environment of a project keeps over its deploys. The folder is <home>/volumes/<id>.

CREATE TABLE volumes (
    id text PRIMARY KEY,
    organization_id text NOT NULL,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    environment text NOT NULL,
    name text NOT NULL,
    path text NOT NULL,
    size_bytes bigint NOT NULL,
    used_bytes bigint NOT NULL DEFAULT 0,
    files bigint NOT NULL DEFAULT 0,
    made_at timestamptz,
    detached_at timestamptz,
    measured_at timestamptz,
    full_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, environment, name)
);
