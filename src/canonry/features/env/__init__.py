"""Environment variables of a project (room for: sensitive values, environments, import and export)."""
