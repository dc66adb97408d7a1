-- A database that is nearly full, and which of both its owners have been told: `nearly`, `full`, or nothing since it had room.
ALTER TABLE databases ADD COLUMN nearly_full boolean NOT NULL DEFAULT false, ADD COLUMN fill_told text NOT NULL DEFAULT '';
