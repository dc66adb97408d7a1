-- Backups that were restored for a trial, and what that showed. A proof outlives the backup and the database it was about.
CREATE TABLE proofs (
    id text PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    project_id text NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    database_id text NOT NULL,
    backup_id text,
    result text NOT NULL CHECK (result IN ('waiting', 'running', 'passed', 'failed')),
    -- The throwaway database that it is restored into, while it runs.
    drill_id text,
    -- Exactly the text that was signed.
    document text,
    signature text,
    public_key text,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE INDEX proofs_project ON proofs (project_id, created_at DESC, id DESC);
CREATE INDEX proofs_database ON proofs (database_id, ended_at DESC);
CREATE UNIQUE INDEX proofs_under_way ON proofs (database_id) WHERE result IN ('waiting', 'running');

-- When somebody was told last that a database has no fresh proof.
CREATE TABLE proof_alarms (
    database_id text PRIMARY KEY,
    told_at timestamptz NOT NULL
);
