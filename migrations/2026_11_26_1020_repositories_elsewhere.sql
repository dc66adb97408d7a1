-- Repositories that live at a host (GitHub): known here, read through a mirror, written through the host.
ALTER TABLE repositories
    ADD COLUMN host text NOT NULL DEFAULT 'canonry',
    -- of a repository elsewhere: the account that has it there, its number there (names change), and what it is read and written with
    ADD COLUMN owner text,
    ADD COLUMN number bigint,
    ADD COLUMN sealed_token bytea,
    -- what went wrong when the host was asked last; empty when nothing did
    ADD COLUMN problem text NOT NULL DEFAULT '',
    ADD COLUMN fetched_at timestamptz,
    -- the host gives it to us no longer
    ADD COLUMN removed_at timestamptz,
    ADD CONSTRAINT repositories_owner CHECK ((host = 'canonry') = (owner IS NULL));
DROP INDEX repositories_by_name;
CREATE UNIQUE INDEX repositories_by_name ON repositories (organization_id, lower(name)) WHERE project_id IS NULL AND host = 'canonry';
CREATE UNIQUE INDEX repositories_elsewhere ON repositories (organization_id, host, lower(owner), lower(name)) WHERE host <> 'canonry';
CREATE INDEX repositories_by_number ON repositories (host, number) WHERE number IS NOT NULL;

-- Of an app that is installed at a host: the host's number for it, and whether it may act there.
ALTER TABLE installations
    ADD COLUMN number bigint,
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN removed_at timestamptz;
CREATE INDEX installations_by_number ON installations (host, number) WHERE number IS NOT NULL;

-- What the host told us already: a delivery that comes again acts no second time.
CREATE TABLE host_deliveries (
    key text PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX host_deliveries_by_end ON host_deliveries (expires_at);
