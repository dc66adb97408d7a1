"""Signing a command line in from a browser: a short code is shown here and approved there. Canonry is the authority, or its provider is."""
