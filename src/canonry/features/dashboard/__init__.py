"""Overview queries for the dashboard (room for: summary)."""
