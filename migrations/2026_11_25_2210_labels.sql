-- One name space for everything under the base domain: slugs of projects and labels of previews can never be the same.
-- A project takes its slug as a label in the very statement that makes it, whichever code runs it.

CREATE TABLE labels (
    label text PRIMARY KEY,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    environment text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, environment)
);
INSERT INTO labels (label, project_id, environment) SELECT slug, id, 'production' FROM projects;

CREATE FUNCTION projects_take_their_label() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO labels (label, project_id, environment) VALUES (NEW.slug, NEW.id, 'production');
    RETURN NULL;
END $$;
CREATE TRIGGER projects_take_their_label AFTER INSERT ON projects FOR EACH ROW EXECUTE FUNCTION projects_take_their_label();
