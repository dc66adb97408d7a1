"""Backups and restores (room for: WAL, base backups, drills)."""
