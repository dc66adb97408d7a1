"""Canonry: from a written specification to running software, on your own machine."""

__version__ = "0.1.0"
