-- In which part of a document a word stands is asked of an index: out of the documents themselves it took 150 ms for 10,000 of them.
-- Without a list of what is still to be added: after some pushes each search would read all of it.
CREATE INDEX spec_documents_places ON spec_documents USING gin
    (ts_filter(search, '{a}'), ts_filter(search, '{b}'), ts_filter(search, '{c}'), ts_filter(search, '{d}')) WITH (fastupdate = off);
ALTER INDEX spec_documents_search SET (fastupdate = off);

-- The states its sections are in, each once.
ALTER TABLE spec_documents ADD COLUMN section_states text[] NOT NULL DEFAULT '{}';
UPDATE spec_documents d SET section_states = s.states
    FROM (SELECT document_id, array_agg(DISTINCT status) AS states FROM spec_sections GROUP BY document_id) s WHERE s.document_id = d.id;
