"""Living specifications: the index of what stands in repositories, and the answers that come from it.

`indexing.py` brings the index up to a commit; everything else reads it.
"""

from canonry.features.specs.configured import configured
from canonry.features.specs.indexing import run as bring_up
from canonry.features.specs.listing import listings
from canonry.features.specs.models import Index, Listing, Shown, Summary
from canonry.features.specs.queue import INDEX
from canonry.features.specs.schemas import RepoSummary, SectionBody, repo_summary, section_body
from canonry.features.specs.service import has_specs, index_of, index_state, indexes, place_of, specs_of
from canonry.features.specs.store.tickets import broken as broken_tickets
from canonry.features.specs.store.tickets import linked as linked_tickets
from canonry.features.specs.store.tickets import note as note_ticket
from canonry.features.specs.store.tickets import overdue as overdue_tickets
from canonry.features.specs.store.tickets import places as places_of_ticket
from canonry.features.specs.sweep import check_words, mend_indexes

__all__ = [
    "INDEX", "Index", "Listing", "RepoSummary", "SectionBody", "Shown", "Summary", "bring_up", "broken_tickets", "check_words",
    "configured", "has_specs", "index_of", "index_state", "indexes", "linked_tickets", "listings", "mend_indexes", "note_ticket",
    "overdue_tickets", "place_of", "places_of_ticket", "repo_summary", "section_body", "specs_of",
]  # fmt: skip
