"""API tokens: `cnr_` values that authenticate a request; only their SHA-256 is stored."""
