-- Outgoing webhooks and what was sent to them.

-- position: the id of the event up to which it has been served. failing_since: of the first failure after the last success.
CREATE TABLE webhooks (
    id text PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    project_id text,
    url text NOT NULL,
    events text[] NOT NULL,
    active boolean NOT NULL DEFAULT true,
    sealed_secret bytea NOT NULL,
    position bigint NOT NULL,
    failing_since timestamptz,
    disabled_reason text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhooks_by_organization ON webhooks (organization_id, created_at DESC, id DESC);

-- body: the message as it is signed, the same at every try. attempts: [{at, status, error, duration_ms, response}].
CREATE TABLE webhook_deliveries (
    id text PRIMARY KEY,
    webhook_id text NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event_id bigint,
    event text NOT NULL,
    body text NOT NULL,
    replay_of text,
    status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'failed')),
    attempts jsonb NOT NULL DEFAULT '[]',
    next_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (webhook_id, event_id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at) WHERE status = 'waiting';
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, created_at DESC, id DESC);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);
