"""Search over everything that is indexed: words in titles, headings, criteria and text, with filters and facets."""
