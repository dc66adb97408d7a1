"""Repositories that live at a host (GitHub): registered here, mirrored as objects, written to through the host.

The mirror is a bare repository beside the hosted ones, with the host's branches under their own names: whatever reads a hosted repository
reads it the same way.
"""
