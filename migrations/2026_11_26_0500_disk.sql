-- Which deployments keep their artifact for good, and how the disk was found last.

CREATE TABLE pins (
    deployment_id text PRIMARY KEY REFERENCES deployments ON DELETE CASCADE,
    pinned_by text,
    pinned_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE disk_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    mark text NOT NULL DEFAULT 'fine' CHECK (mark IN ('fine', 'low', 'full')),
    since timestamptz NOT NULL DEFAULT now()
);
INSERT INTO disk_state DEFAULT VALUES;
