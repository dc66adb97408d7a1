"""Which criteria are realized, verified and live (room for: snapshots, trend)."""
