"""A PostgreSQL for each project (room for: create, rotate, branch, upgrade)."""
