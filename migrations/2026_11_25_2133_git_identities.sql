-- Who a person is at a git host, and the sealed token with which Canonry acts as them there.

CREATE TABLE git_identities (
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    host text NOT NULL,
    subject text NOT NULL,
    login text NOT NULL,
    name text NOT NULL,
    sealed_token bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, host)
);
