"""Telling the host of a repository what becomes of its commits: statuses and deployments. Nothing here can fail a deployment."""
