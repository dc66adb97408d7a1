"""Deployments, artifacts, releases and instances: from a source to a live URL, and back."""
