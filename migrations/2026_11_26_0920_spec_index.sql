-- The index of Markdown in repositories: what stands in the default branch, keyed by the commit it was read from.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- One row for each repository that was looked at. rules: which version of the parser and the configuration it was made with.
CREATE TABLE spec_indexes (
    repository_id text PRIMARY KEY REFERENCES repositories ON DELETE CASCADE,
    organization_id text NOT NULL,
    commit text,
    rules text NOT NULL DEFAULT '',
    config jsonb NOT NULL DEFAULT '{}',
    diagnostics jsonb NOT NULL DEFAULT '[]',
    indexed_at timestamptz
);

CREATE TABLE spec_documents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    repository_id text NOT NULL REFERENCES repositories ON DELETE CASCADE,
    organization_id text NOT NULL,
    path text NOT NULL,
    sha text NOT NULL,
    doc_type text NOT NULL,
    is_spec boolean NOT NULL,
    title text NOT NULL,
    status text,
    owner text NOT NULL DEFAULT '',
    team text NOT NULL DEFAULT '',
    tags text[] NOT NULL DEFAULT '{}',
    review_status text,
    frontmatter jsonb NOT NULL DEFAULT '{}',
    problems integer NOT NULL DEFAULT 0,
    total_sections integer NOT NULL DEFAULT 0,
    done_sections integer NOT NULL DEFAULT 0,
    total_ac integer NOT NULL DEFAULT 0,
    done_ac integer NOT NULL DEFAULT 0,
    realized_ac integer NOT NULL DEFAULT 0,
    -- A: title, B: headings, C: criteria, D: text
    search tsvector NOT NULL,
    UNIQUE (repository_id, path)
);
CREATE INDEX spec_documents_by_organization ON spec_documents (organization_id, is_spec);
CREATE INDEX spec_documents_search ON spec_documents USING gin (search);

-- What belongs to a document names it without a foreign key: checking 300,000 rows one by one took half of the first indexing.
CREATE TABLE spec_sections (
    document_id bigint NOT NULL,
    position integer NOT NULL,
    section_id text NOT NULL,
    number text,
    title text NOT NULL,
    depth integer NOT NULL,
    status text NOT NULL,
    blocked_by text,
    start_line integer NOT NULL,
    end_line integer NOT NULL,
    ticket_system text,
    ticket_id text,
    ticket_url text,
    delta text,
    total_ac integer NOT NULL,
    done_ac integer NOT NULL,
    realized_ac integer NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (document_id, position)
);
CREATE INDEX spec_sections_by_status ON spec_sections (status, document_id) WHERE status IN ('todo', 'in_progress', 'blocked');
CREATE INDEX spec_sections_by_ticket ON spec_sections (ticket_id) WHERE ticket_id IS NOT NULL;

CREATE TABLE spec_criteria (
    document_id bigint NOT NULL,
    position integer NOT NULL,
    section_position integer NOT NULL,
    criterion_id text NOT NULL,
    text text NOT NULL,
    checked boolean NOT NULL,
    strength text,
    line integer NOT NULL,
    evidence jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (document_id, position)
);
CREATE INDEX spec_criteria_by_id ON spec_criteria (criterion_id);

CREATE TABLE spec_links (
    document_id bigint NOT NULL,
    target text NOT NULL,
    line integer NOT NULL
);
CREATE INDEX spec_links_by_document ON spec_links (document_id);
CREATE INDEX spec_links_by_target ON spec_links (target);

CREATE FUNCTION remove_parts_of_documents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM spec_sections USING gone WHERE document_id = gone.id;
    DELETE FROM spec_criteria USING gone WHERE document_id = gone.id;
    DELETE FROM spec_links USING gone WHERE document_id = gone.id;
    RETURN NULL;
END $$;
CREATE TRIGGER spec_documents_removed AFTER DELETE ON spec_documents REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION remove_parts_of_documents();

-- Which criterion of today is which of an earlier version, for those whose words changed: history, so it is no part of the index.
CREATE TABLE criterion_names (
    repository_id text NOT NULL REFERENCES repositories ON DELETE CASCADE,
    path text NOT NULL,
    criterion_id text NOT NULL,
    first_id text NOT NULL,
    PRIMARY KEY (repository_id, path, criterion_id)
);

-- Words of an organization's documents, to find what somebody meant to write.
CREATE TABLE spec_words (
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    word text NOT NULL,
    PRIMARY KEY (organization_id, word)
);
CREATE INDEX spec_words_alike ON spec_words USING gin (word gin_trgm_ops);

-- What the indexer did lately.
CREATE TABLE index_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    repository_id text NOT NULL REFERENCES repositories ON DELETE CASCADE,
    commit text,
    status text NOT NULL CHECK (status IN ('running', 'done', 'failed')),
    changed integer NOT NULL DEFAULT 0,
    removed integer NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE INDEX index_runs_by_repository ON index_runs (repository_id, id DESC);

-- A connection to where repositories live; its number is what an administrator says when they ask for everything to be indexed again.
CREATE TABLE installations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    host text NOT NULL,
    account text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, host, account)
);
