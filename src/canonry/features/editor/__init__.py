"""Editing specifications (room for: load, preview, save, pull request)."""
