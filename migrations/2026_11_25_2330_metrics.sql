-- Metrics: the requests of each environment of a project since its beginning, and what each environment of a project used and answered, in steps of 10 s (kept 2 hours), 1 min (2 days) and 10 min (30 days).

CREATE TABLE metric_series (
    id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    environment text NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    status_2xx bigint NOT NULL DEFAULT 0,
    status_3xx bigint NOT NULL DEFAULT 0,
    status_4xx bigint NOT NULL DEFAULT 0,
    status_5xx bigint NOT NULL DEFAULT 0,
    UNIQUE (project_id, environment)
);

-- Short columns and a short key: a project has about 8,000 of these rows. `latency` is pairs: number of a bucket, requests in it.
CREATE TABLE metric_samples (
    at timestamptz NOT NULL,
    series integer NOT NULL REFERENCES metric_series ON DELETE CASCADE,
    step smallint NOT NULL,
    looks smallint NOT NULL DEFAULT 0,
    cpu_seconds real NOT NULL DEFAULT 0,
    seconds real NOT NULL DEFAULT 0,
    core_seconds real NOT NULL DEFAULT 0,
    memory bigint NOT NULL DEFAULT 0,
    memory_most bigint NOT NULL DEFAULT 0,
    memory_limit bigint NOT NULL DEFAULT 0,
    instances real NOT NULL DEFAULT 0,
    requests integer NOT NULL DEFAULT 0,
    status_2xx integer NOT NULL DEFAULT 0,
    status_3xx integer NOT NULL DEFAULT 0,
    status_4xx integer NOT NULL DEFAULT 0,
    status_5xx integer NOT NULL DEFAULT 0,
    latency integer[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (series, step, at)
);

-- The one row says how far the requests of the edge are counted, and until when the coarser steps are made. Who writes samples holds it.
CREATE TABLE metric_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    requests_cursor jsonb NOT NULL DEFAULT '{}',
    minutes_until timestamptz,
    tens_until timestamptz
);
INSERT INTO metric_state DEFAULT VALUES;
