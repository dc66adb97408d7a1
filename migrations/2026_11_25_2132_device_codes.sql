-- A command line that waits to be signed in by somebody in a browser. Of both codes only a hash is kept, of the short one a keyed one.

CREATE TABLE device_codes (
    id text PRIMARY KEY,
    device_sha256 bytea NOT NULL UNIQUE,
    user_hmac bytea UNIQUE,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'denied', 'taken')),
    organization text NOT NULL,
    client text NOT NULL,
    address text NOT NULL,
    pause integer NOT NULL,
    polled_at timestamptz,
    user_id text REFERENCES users ON DELETE CASCADE,
    organization_id text REFERENCES organizations ON DELETE CASCADE,
    sealed_provider_code bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);
