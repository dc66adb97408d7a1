"""Canonry: from a written specification to running software, on your own machine."""
