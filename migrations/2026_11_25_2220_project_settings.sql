-- What a project is, when that is said and not detected; and how long its instances may take to become healthy (null: the setting).

ALTER TABLE projects
    ADD COLUMN runtime text,
    ADD COLUMN health_timeout integer;
