"""What is searched and what is found."""

from dataclasses import dataclass

from canonry.features import git


@dataclass(frozen=True)
class Filters:
    """What narrows a search: one of these each, as they are written; None does not. statuses: of the document or of one of its sections."""

    teams: list[str] | None = None
    statuses: list[str] | None = None
    tags: list[str] | None = None
    review: str | None = None
    repositories: list[str] | None = None


@dataclass(frozen=True)
class Found:
    """A document that fits."""

    id: int
    repository_id: str
    path: str
    doc_type: str
    is_spec: bool
    title: str
    status: str | None
    owner: str
    team: str
    tags: list[str]
    review_status: str | None
    sha: str
    score: float | None


@dataclass(frozen=True)
class Part:
    """A section of a document that fits. section_id, status: None in a document that is no spec; title: "" before its first heading."""

    document_id: int
    position: int
    section_id: str | None
    number: str | None
    title: str
    status: str | None
    start_line: int
    content: str


@dataclass(frozen=True)
class Wanted:
    """What is searched. repo: `owner/name` or a name. limit, offset: of the results."""

    q: str = ""
    team: str | None = None
    status: str | None = None
    tag: str | None = None
    repo: str | None = None
    review_status: str | None = None
    limit: int = 20
    offset: int = 0


@dataclass(frozen=True)
class Result:
    """A document that fits, and the section that fits best. more: how many other sections fit. snippet: HTML that is safe."""

    found: Found
    repository: git.Repository
    part: Part | None
    more: int
    snippet: str


@dataclass(frozen=True)
class Results:
    """total: without the limit. corrected: word → what was searched instead of it, for words that stand nowhere.

    is_relaxed: no document has every word; these have most of them.
    """

    results: list[Result]
    total: int
    facets: dict[str, dict[str, int]]
    corrected: dict[str, list[str]]
    is_relaxed: bool = False
