"""Hosts of repositories: GitHub, and one in memory."""
