-- Variables of projects, sealed with the key of this Canonry; a release keeps the ones it was frozen with, sealed too.

CREATE TABLE variables (
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    environment text NOT NULL,
    key text NOT NULL,
    sealed_value bytea NOT NULL,
    digest text NOT NULL,
    sensitive boolean NOT NULL,
    for_build boolean NOT NULL,
    for_run boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by text NOT NULL DEFAULT '',
    PRIMARY KEY (project_id, environment, key)
);

-- Releases of before have their (not secret) variables in the old column and an empty digest.
ALTER TABLE releases
    ADD COLUMN sealed_variables bytea,
    ADD COLUMN variables_digest text NOT NULL DEFAULT '';
