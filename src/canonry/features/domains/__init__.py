"""Custom domains, verification and TLS (room for: attach, verify, primary)."""
