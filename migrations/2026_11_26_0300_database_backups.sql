-- Backups of databases: what lies in the archive, and what failed. A row outlives its project, because the archive does.
CREATE TABLE database_backups (
    id text PRIMARY KEY,
    organization_id text NOT NULL,
    project_id text NOT NULL,
    database_id text NOT NULL,
    cluster_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('full', 'incremental', 'dump')),
    trigger text NOT NULL CHECK (trigger IN ('daily', 'gap', 'manual')),
    -- What an incremental one builds on.
    parent_id text,
    state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    -- The moment that its rows were counted at.
    point_at timestamptz,
    size_bytes bigint NOT NULL DEFAULT 0,
    data_bytes bigint NOT NULL DEFAULT 0,
    -- {database: {table: rows}}, and whether they are exact.
    rows jsonb,
    exact boolean NOT NULL DEFAULT true,
    error jsonb
);
CREATE INDEX database_backups_project ON database_backups (project_id, started_at DESC, id DESC);
CREATE INDEX database_backups_cluster ON database_backups (cluster_id, started_at DESC);
CREATE UNIQUE INDEX database_backups_under_way ON database_backups (cluster_id) WHERE state = 'running';

-- Segments that a database let go because its archive was away for too long. A moment in a gap cannot be restored to.
CREATE TABLE backup_gaps (
    cluster_id text NOT NULL,
    segment text NOT NULL,
    organization_id text NOT NULL,
    project_id text NOT NULL,
    database_id text NOT NULL,
    at timestamptz NOT NULL,
    -- When a base backup that began behind it was there.
    closed_at timestamptz,
    PRIMARY KEY (cluster_id, segment)
);
CREATE INDEX backup_gaps_project ON backup_gaps (project_id, at);
