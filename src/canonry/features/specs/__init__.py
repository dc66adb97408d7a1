"""Living specifications (room for: parser, index, documents, criteria)."""
