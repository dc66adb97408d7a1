"""Searching in documents without an index: a substring of the whole query, in headings, criteria and text, else most of its words."""

from collections.abc import Iterator
from dataclasses import dataclass

from canonry.specs.models import Document, Section

_BEFORE, _AFTER = 40, 120
_SHARE = 0.6
_EVERY_WORD = 0.5  # the score of a place that has every word, and not one after the other


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that fits. section_id and heading: None and the title, when only the title of the document fits."""

    score: float
    section_id: str | None
    heading: str
    line: int
    snippet: str


def might_match(text: str, query: str) -> bool:
    """Return whether it is worth parsing a file: a quick look at its whole text in lower case."""
    wanted = query.lower()
    if wanted in text:
        return True
    words = wanted.split()
    return len(words) > 1 and sum(word in text for word in words) >= _SHARE * len(words)


def search(document: Document, query: str) -> list[Hit]:
    """Return the sections that fit a query, else the title if it does; each with its score. An empty query fits nothing."""
    wanted = query.lower().strip()
    if not wanted:
        return []
    hits = [hit for section in document.walk() if (hit := _section(section, wanted))]
    if hits or wanted not in document.frontmatter.title.lower():
        return hits
    return [Hit(3.0, None, document.frontmatter.title, 1, document.frontmatter.title)]


def has_all(hit: Hit) -> bool:
    """Return whether a place has the whole query, or every word of it; else it has most of them."""
    return hit.score >= _EVERY_WORD


def fits(document: Document, *, team: str | None = None, status: str | None = None, tag: str | None = None) -> bool:
    """Return whether a document passes filters, case aside. A status is the document's or that of one of its sections."""
    frontmatter = document.frontmatter
    return not (
        (team and frontmatter.team.lower() != team.lower())
        or (tag and tag.lower() not in {item.lower() for item in frontmatter.tags})
        or (status and status.lower() not in set(_statuses(document)))
    )


def snippet(text: str, at: int, length: int) -> str:
    """Return what stands around a hit, on one line, with `...` where it is cut."""
    begin, end = max(0, at - _BEFORE), min(len(text), at + length + _AFTER)
    cut = " ".join(text[begin:end].split())
    return f"{'...' if begin else ''}{cut}{'...' if end < len(text) else ''}"


def _statuses(document: Document) -> Iterator[str]:
    yield document.frontmatter.status.lower()
    for section in document.walk():
        yield str(section.status.state)


def _section(section: Section, wanted: str) -> Hit | None:
    heading, body = section.heading.lower(), section.content.lower()
    score = 2.0 * (wanted in heading) + 1.5 * any(wanted in criterion.text.lower() for criterion in section.criteria) + (wanted in body)
    at, length = body.find(wanted), len(wanted)
    if not score:
        words = wanted.split()
        present = [word for word in words if word in heading or word in body]
        if len(words) < 2 or len(present) < _SHARE * len(words):
            return None
        score = _EVERY_WORD * len(present) / len(words)
        at = min((body.find(word) for word in present if word in body), default=-1)
        length = 0
    return Hit(score, section.id, section.heading, section.start_line, snippet(section.content, max(at, 0), max(length, 0)))
