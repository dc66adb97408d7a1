-- Log drains: where the runtime log of a project is sent to, and how far, for each instance.

CREATE TABLE drains (
    id text PRIMARY KEY,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('http', 'syslog')),
    shown_target text NOT NULL,
    sealed_target bytea NOT NULL,
    environment text,
    format text NOT NULL DEFAULT 'ndjson' CHECK (format IN ('ndjson', 'json', 'rfc5424')),
    gzip boolean NOT NULL DEFAULT false,
    sealed_authorization bytea,
    authority text,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_lines bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    last_sent_at timestamptz,
    last_error text,
    last_error_at timestamptz,
    next_try_at timestamptz
);
CREATE INDEX drains_by_project ON drains (project_id, created_at);

-- An instance that has no position yet began after the drain: it is sent from its first line on.
CREATE TABLE drain_positions (
    drain_id text NOT NULL REFERENCES drains ON DELETE CASCADE,
    instance_id text NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (drain_id, instance_id)
);
