"""Preview environments (room for: branch, pull request, expiry)."""
