-- A restore that is filled from a dump, instead of recovered to a moment.
ALTER TABLE restores ADD COLUMN dump_id text;
