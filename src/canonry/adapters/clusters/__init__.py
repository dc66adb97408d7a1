"""Adapters of the port `clusters`."""
