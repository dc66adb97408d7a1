"""Scheduled commands of a project (room for: cron)."""
