"""Search over everything (room for: full text, facets)."""
