"""Projects: what is deployed, its slug and its settings."""
