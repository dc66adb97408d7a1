"""The audit trail, read: who changed what, when, from where; and whether the record of it is whole.

The events themselves are written by `infra/tx.py` with every change. Their chain of hashes shows what was changed in it or taken out of
it; anchors outside the database show what was cut off its end.
"""

from canonry.features.audit.anchors import AnchorWriter

__all__ = ["AnchorWriter"]
