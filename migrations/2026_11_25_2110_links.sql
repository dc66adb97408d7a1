-- Single-use links that go out by mail: to verify an address, to choose a new password. Only the hash of the secret part is kept.

CREATE TABLE links (
    sha256 bytea PRIMARY KEY,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    purpose text NOT NULL CHECK (purpose IN ('verify_email', 'change_email', 'reset_password')),
    email text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX links_by_user ON links (user_id, purpose);
