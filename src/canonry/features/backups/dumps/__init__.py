"""Logical dumps of databases: which there are, the way out of Canonry (download), and the way back (a restore beside the live one)."""
