-- Documents wait in a list until they are sorted into the indexes together: one by one, the first indexing took four times as long. The list
-- stays short, because each search reads it.
ALTER INDEX spec_documents_places SET (fastupdate = on, gin_pending_list_limit = 256);
ALTER INDEX spec_documents_search SET (fastupdate = on, gin_pending_list_limit = 256);
