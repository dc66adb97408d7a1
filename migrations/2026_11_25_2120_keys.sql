-- Tokens are listed newest first; keys (`sw_`) belong to a user and an organization.

CREATE INDEX tokens_by_organization ON tokens (organization_id, created_at DESC, id DESC) WHERE revoked_at IS NULL;

CREATE TABLE keys (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    label text NOT NULL,
    prefix text NOT NULL,
    sha256 bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX keys_by_user ON keys (organization_id, user_id, id DESC) WHERE revoked_at IS NULL;
