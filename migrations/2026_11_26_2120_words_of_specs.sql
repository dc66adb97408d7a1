-- When the words of an organization's documents were last compared with the documents, and how its index was then.
CREATE TABLE spec_word_checks (
    organization_id text PRIMARY KEY REFERENCES organizations ON DELETE CASCADE,
    state text NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now()
);
