-- The audit trail is read by project too.

CREATE INDEX events_by_project ON events (organization_id, (payload->>'project_id'), id DESC) WHERE payload ? 'project_id';
