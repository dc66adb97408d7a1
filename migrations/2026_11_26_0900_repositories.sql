-- Repositories that hold specifications: those of projects (the name is the project's slug), and others.
CREATE TABLE repositories (
    id text PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    project_id text UNIQUE REFERENCES projects ON DELETE CASCADE,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    default_branch text NOT NULL DEFAULT 'main',
    -- the commit of the default branch that was last announced
    head text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX repositories_by_name ON repositories (organization_id, lower(name)) WHERE project_id IS NULL;
CREATE INDEX repositories_by_organization ON repositories (organization_id, created_at);
