"""What the background work of this feature is handed: the same as databases are."""

from canonry.features.databases import Context

__all__ = ["Context"]
