-- Projects that are deployed from a repository Canonry hosts and that is not their own: several projects in one monorepo.
CREATE TABLE repository_links (
    project_id text PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
    -- A repository that is used does not go; looked at when the transaction ends, so that a whole organization can go.
    repository_id text NOT NULL REFERENCES repositories DEFERRABLE INITIALLY DEFERRED,
    auto_deploy boolean NOT NULL DEFAULT true,
    connected_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX repository_links_by_repository ON repository_links (repository_id);
