"""Living specifications: the index of what stands in repositories, and the answers that come from it.

`indexing.py` brings the index up to a commit; everything else reads it.
"""

from canonry.features.specs.models import Index, Shown, Summary
from canonry.features.specs.queue import INDEX
from canonry.features.specs.schemas import RepoSummary, SectionBody, repo_summary, section_body
from canonry.features.specs.service import documents, has_specs, index_of, index_state, indexes, place_of
from canonry.features.specs.sweep import IndexSweep

__all__ = [
    "INDEX", "Index", "IndexSweep", "RepoSummary", "SectionBody", "Shown", "Summary", "documents", "has_specs", "index_of",
    "index_state", "indexes", "place_of", "repo_summary", "section_body",
]  # fmt: skip
