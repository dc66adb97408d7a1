-- Events say who caused them and from where, and are chained by hashes for each organization; nobody can change or delete one.

ALTER TABLE events
    ADD COLUMN before jsonb,
    ADD COLUMN after jsonb,
    ADD COLUMN user_id text NOT NULL DEFAULT '',
    ADD COLUMN credential text NOT NULL DEFAULT '',
    ADD COLUMN address text NOT NULL DEFAULT '',
    ADD COLUMN request_id text NOT NULL DEFAULT '',
    ADD COLUMN hash bytea NOT NULL DEFAULT ''::bytea;
CREATE INDEX events_by_organization ON events (organization_id, id DESC);

CREATE FUNCTION events_never_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or deleted';
END $$;
CREATE TRIGGER events_never_change BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_never_change();
CREATE TRIGGER events_never_vanish BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_never_change();
