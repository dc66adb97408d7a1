"""The `canonry` command: `remote` speaks HTTP only, `server` runs on the machine itself."""
