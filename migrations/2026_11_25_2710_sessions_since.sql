-- Sessions that began before a password was changed count no more from that very commit on, whenever the job comes that ends them.
ALTER TABLE users
    ADD COLUMN sessions_since timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN kept_session text NOT NULL DEFAULT '';
-- What was approved before that, and is fetched after it, is refused as well.
ALTER TABLE device_codes ADD COLUMN approved_at timestamptz;
