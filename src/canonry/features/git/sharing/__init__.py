"""One repository that Canonry hosts, several projects: who is deployed from it, and whom a change concerns."""
