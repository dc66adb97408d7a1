-- Databases as they were at a moment, restored beside the live one.
CREATE TABLE restores (
    id text PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    project_id text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    environment text NOT NULL,
    -- What was live when it was asked for, and what is restored beside it.
    database_id text NOT NULL,
    target_id text,
    at timestamptz NOT NULL,
    backup_id text,
    state text NOT NULL CHECK (state IN ('preparing', 'ready', 'promoting', 'promoted', 'undoing', 'discarded', 'failed')),
    step text NOT NULL DEFAULT '',
    difference jsonb,
    error jsonb,
    pause_ms integer,
    created_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    -- Until then the database that a promote replaced is kept.
    undo_until timestamptz
);
CREATE INDEX restores_project ON restores (project_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX restores_under_way ON restores (project_id) WHERE state IN ('preparing', 'promoting', 'undoing');
