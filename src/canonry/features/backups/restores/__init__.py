"""Databases as they were at a moment: restored beside the live one, compared with it, promoted or discarded."""
