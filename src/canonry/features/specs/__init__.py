"""Living specifications: the index of what stands in repositories, and the answers that come from it.

`indexing.py` brings the index up to a commit; everything else reads it.
"""

from canonry.features.specs.queue import INDEX
from canonry.features.specs.sweep import IndexSweep

__all__ = ["INDEX", "IndexSweep"]
