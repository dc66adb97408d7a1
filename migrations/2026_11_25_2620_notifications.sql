-- What members want to be mailed about, and what they are to be told.

CREATE TABLE notification_wishes (
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    failed_production text NOT NULL CHECK (failed_production IN ('all', 'own', 'off')),
    failed_preview text NOT NULL CHECK (failed_preview IN ('all', 'own', 'off')),
    recovered boolean NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);

-- settled: of a failure, once the environment works again.
CREATE TABLE notices (
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    project_id text NOT NULL,
    environment text NOT NULL,
    deployment_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('failed', 'recovered')),
    settled boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    PRIMARY KEY (user_id, deployment_id, kind)
);
CREATE INDEX notices_waiting ON notices (organization_id, user_id) WHERE sent_at IS NULL;
CREATE INDEX notices_open ON notices (project_id, environment) WHERE NOT settled;
CREATE INDEX notices_by_person ON notices (organization_id, user_id, sent_at DESC);
