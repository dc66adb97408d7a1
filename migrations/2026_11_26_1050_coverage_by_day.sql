-- The sums of each day's snapshot by repository and team: a month of 10,000 specs is 300,000 snapshots, which no answer can add up.
CREATE TABLE coverage_days (
    day date NOT NULL,
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    repository_id text NOT NULL,
    team text NOT NULL,
    total_sections integer NOT NULL,
    done_sections integer NOT NULL,
    total_ac integer NOT NULL,
    done_ac integer NOT NULL,
    realized_ac integer NOT NULL,
    PRIMARY KEY (organization_id, day, repository_id, team)
);
INSERT INTO coverage_days SELECT day, organization_id, repository_id, team, sum(total_sections), sum(done_sections), sum(total_ac),
    sum(done_ac), sum(realized_ac) FROM coverage_snapshots GROUP BY day, organization_id, repository_id, team;
