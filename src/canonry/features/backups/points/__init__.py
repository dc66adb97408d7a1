"""Backups of a project as a whole: what was live, its variables, and a moment of its database."""
