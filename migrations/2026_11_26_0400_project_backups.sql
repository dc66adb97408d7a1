-- Backups of projects: the deployment that was live, every variable, and a moment of the database to go back to.
CREATE TABLE project_backups (
    id text PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    project_id text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    deployment_id text NOT NULL,
    release_id text NOT NULL,
    sealed_variables bytea NOT NULL,
    variable_names text[] NOT NULL,
    -- What the database is restored to when this backup is; null without a database.
    database_id text,
    database_at timestamptz,
    note text,
    trigger text NOT NULL CHECK (trigger IN ('manual', 'pre-deploy', 'nightly')),
    -- The deployment that a backup was made before.
    before_deployment_id text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX project_backups_project ON project_backups (project_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX project_backups_before ON project_backups (before_deployment_id);

-- Somebody made a backup of this release: its artifact stays.
ALTER TABLE releases ADD COLUMN kept boolean NOT NULL DEFAULT false;
