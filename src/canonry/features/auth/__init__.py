"""Sign-in and sessions (room for the next issue: passwords, OIDC, device login, two-factor)."""
