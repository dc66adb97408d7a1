-- What a session hands to programs: short-lived access tokens, and refresh tokens that are good for one use. Only their SHA-256 is kept.

ALTER TABLE sessions ADD COLUMN way text NOT NULL DEFAULT 'password';

CREATE TABLE access_tokens (
    sha256 bytea PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX access_tokens_by_session ON access_tokens (session_id);

-- A used one is kept as long as its session: whoever shows it again has stolen it, or it was stolen from them.
CREATE TABLE refresh_tokens (
    sha256 bytea PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
