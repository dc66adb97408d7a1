-- What every spec had done at the end of each day: the trend of the coverage.
CREATE TABLE coverage_snapshots (
    day date NOT NULL,
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    repository_id text NOT NULL,
    repository text NOT NULL,
    path text NOT NULL,
    team text NOT NULL DEFAULT '',
    total_sections integer NOT NULL,
    done_sections integer NOT NULL,
    total_ac integer NOT NULL,
    done_ac integer NOT NULL,
    realized_ac integer NOT NULL,
    PRIMARY KEY (organization_id, day, repository_id, path)
);
