"""Repositories as objects: what an organization has, with or without a project that deploys it."""
