-- Invitations into an organization: bound to an address, accepted with a secret that went there by mail.

CREATE TABLE invitations (
    id text PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    email text NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'viewer')),
    sha256 bytea NOT NULL UNIQUE,
    invited_by text REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    UNIQUE (organization_id, email)
);
CREATE INDEX invitations_by_organization ON invitations (organization_id, created_at DESC, id DESC);
