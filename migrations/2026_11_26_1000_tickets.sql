-- Tickets that live in Canonry itself, and how far sections of specs and their tickets, here or elsewhere, go together.
CREATE TABLE tickets (
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id text NOT NULL,
    project_key text NOT NULL,
    number integer NOT NULL,
    -- What it was made for: the same section never gets a second one.
    repository_id text,
    fingerprint text,
    summary text NOT NULL,
    description text NOT NULL DEFAULT '',
    state text NOT NULL CHECK (state IN ('draft', 'todo', 'in_progress', 'blocked', 'done', 'deprecated')),
    blocked_by text,
    raw_status text NOT NULL,
    issue_type text NOT NULL DEFAULT 'Task',
    labels text[] NOT NULL DEFAULT '{}',
    assignees text[] NOT NULL DEFAULT '{}',
    milestone text,
    parent_id text,
    custom_fields jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, project_key, number)
);
CREATE UNIQUE INDEX tickets_by_fingerprint ON tickets (organization_id, repository_id, fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX tickets_by_summary ON tickets (organization_id, project_key, summary);

CREATE TABLE ticket_pull_requests (
    organization_id text NOT NULL,
    ticket_id text NOT NULL,
    url text NOT NULL,
    title text NOT NULL DEFAULT '',
    linked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, ticket_id, url),
    FOREIGN KEY (organization_id, ticket_id) REFERENCES tickets ON DELETE CASCADE
);

-- The states both sides had when they were last brought together: who moved since then is followed by the other.
CREATE TABLE ticket_links (
    repository_id text NOT NULL REFERENCES repositories ON DELETE CASCADE,
    system text NOT NULL,
    ticket_id text NOT NULL,
    section_state text NOT NULL,
    ticket_state text NOT NULL,
    words text NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (repository_id, system, ticket_id)
);

-- Which blob of a spec was last brought together with its tickets.
CREATE TABLE ticket_documents (
    repository_id text NOT NULL REFERENCES repositories ON DELETE CASCADE,
    path text NOT NULL,
    sha text NOT NULL,
    PRIMARY KEY (repository_id, path)
);

CREATE TABLE ticket_runs (
    id text PRIMARY KEY,
    repository_id text NOT NULL REFERENCES repositories ON DELETE CASCADE,
    trigger text NOT NULL CHECK (trigger IN ('push', 'ticket', 'manual')),
    direction text NOT NULL CHECK (direction IN ('both', 'forward', 'reverse')),
    dry_run boolean NOT NULL,
    status text NOT NULL CHECK (status IN ('waiting', 'running', 'success', 'partial', 'failed')),
    result jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE INDEX ticket_runs_by_repository ON ticket_runs (repository_id, created_at DESC);

-- Links in specs whose ticket is gone or may not be seen any more.
CREATE TABLE broken_ticket_links (
    repository_id text NOT NULL REFERENCES repositories ON DELETE CASCADE,
    system text NOT NULL,
    ticket_id text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    checked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (repository_id, system, ticket_id)
);
