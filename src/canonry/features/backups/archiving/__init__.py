"""Backups of databases: segments every second, base backups and dumps every day, and what has had its time goes."""
