-- Passwords, verified addresses, identities of outside providers, a second factor, and the counting of attempts.

ALTER TABLE users
    ADD COLUMN password_hash text,
    ADD COLUMN email_verified_at timestamptz,
    ADD COLUMN deactivated_at timestamptz,
    ADD COLUMN is_operator boolean NOT NULL DEFAULT false;
-- Whoever is there already was made on the machine itself; the first of them runs it.
UPDATE users SET email_verified_at = created_at;
UPDATE users SET is_operator = true
    WHERE id = (SELECT user_id FROM members WHERE role = 'owner' ORDER BY created_at, user_id LIMIT 1);
CREATE INDEX members_by_user ON members (user_id);

-- Who somebody is at an outside provider (OpenID Connect): issuer and subject never change, the address may.
CREATE TABLE identities (
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    email text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);

-- How often something was tried in the current window; the key is a hash where it comes from what somebody typed.
CREATE TABLE attempts (
    key text PRIMARY KEY,
    count integer NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX attempts_by_age ON attempts (began_at);

-- last_step: the 30-second step of the code that was used last, so that none is used twice.
CREATE TABLE second_factors (
    user_id text PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    sealed_secret bytea NOT NULL,
    confirmed_at timestamptz,
    last_step bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE recovery_codes (
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    sha256 bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (user_id, sha256)
);
