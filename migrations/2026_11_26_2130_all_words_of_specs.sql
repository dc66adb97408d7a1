-- Which words begin with what somebody typed decides what is found, so the words of all lengths are there, and compared letter by letter.
ALTER TABLE spec_words ALTER COLUMN word TYPE text COLLATE "C";
INSERT INTO spec_words (organization_id, word)
    SELECT DISTINCT d.organization_id, word FROM spec_documents d JOIN organizations o ON o.id = d.organization_id, unnest(tsvector_to_array(d.search)) AS word
    WHERE length(word) > 60
    ON CONFLICT DO NOTHING;
