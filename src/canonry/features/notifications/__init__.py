"""Telling people and systems what happened (room for: mail, outgoing webhooks)."""
