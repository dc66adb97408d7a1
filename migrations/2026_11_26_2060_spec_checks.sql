-- Which commit of a branch of a repository elsewhere was looked at last, to tell its host what its specs are worth.
CREATE TABLE spec_checks (
    repository_id text NOT NULL REFERENCES repositories ON DELETE CASCADE,
    branch text NOT NULL,
    commit text NOT NULL,
    PRIMARY KEY (repository_id, branch)
);
