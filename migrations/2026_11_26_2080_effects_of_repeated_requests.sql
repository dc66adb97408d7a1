-- A request with an Idempotency-Key whose holder was killed: was there an effect, and is there an answer that stands if no better one came.

ALTER TABLE idempotency_keys
    ADD COLUMN effect_at timestamptz,                            -- when something was committed that it changed
    ADD COLUMN is_provisional boolean NOT NULL DEFAULT false;    -- its answer waits for a better one as long as its holder lives
