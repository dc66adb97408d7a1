-- Somebody signed in: in a browser (a cookie) or on a command line (access and refresh tokens). Of every secret only its SHA-256 is kept.

CREATE TABLE sessions (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    organization_id text REFERENCES organizations ON DELETE SET NULL,
    sha256 bytea UNIQUE,
    label text NOT NULL CHECK (label IN ('browser', 'cli')),
    address text NOT NULL DEFAULT '',
    client text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at DESC, id DESC);
