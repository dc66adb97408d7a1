-- Requests that must not be carried out twice, by the key their sender gave them. Rows are dropped after 24 hours.

CREATE TABLE idempotency_keys (
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    key text NOT NULL,
    request text NOT NULL,             -- method and path
    digest bytea,                      -- of query and body; NULL while an archive is still coming
    request_id text NOT NULL,          -- of the request that carries it out, and its only holder
    locked_until timestamptz NOT NULL, -- after that, whoever held it is taken for dead
    status integer,                    -- NULL while it is carried out
    answer bytea,                      -- sealed: it may show a secret, once
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
