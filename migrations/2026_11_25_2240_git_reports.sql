-- Which deployment at the host of a repository (GitHub) stands for which deployment here, and what was said of it last.

CREATE TABLE git_reports (
    deployment_id text PRIMARY KEY,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    environment text NOT NULL,
    remote_id text,
    state text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX git_reports_by_environment ON git_reports (project_id, environment);
