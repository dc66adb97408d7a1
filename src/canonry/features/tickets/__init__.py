"""Tickets in somebody's tracker, synced with sections (room for: adapters, sync)."""
