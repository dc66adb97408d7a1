"""The audit log (room for: hash chain, verify)."""
