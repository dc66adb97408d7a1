"""What the index holds, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from canonry.features import git
from canonry.specs.models import Document


@dataclass(frozen=True, slots=True)
class SectionRow:
    """A section as it is indexed. position: its place in the document, from 0."""

    position: int
    section_id: str
    number: str | None
    title: str
    depth: int
    status: str
    blocked_by: str | None
    start_line: int
    end_line: int
    ticket_system: str | None
    ticket_id: str | None
    ticket_url: str | None
    delta: str | None
    total_ac: int
    done_ac: int
    realized_ac: int
    content: str


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """A criterion as it is indexed."""

    position: int
    section_position: int
    criterion_id: str
    text: str
    checked: bool
    strength: str | None
    line: int
    evidence: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Extract:
    """What is indexed of one file. headings, criteria_text, body: what is searched, with falling weight after the title."""

    path: str
    sha: str
    doc_type: str
    is_spec: bool
    title: str
    status: str | None
    owner: str
    team: str
    tags: list[str]
    review_status: str | None
    frontmatter: Mapping[str, Any]
    problems: int
    headings: str
    criteria_text: str
    body: str
    sections: list[SectionRow] = field(default_factory=list)
    criteria: list[CriterionRow] = field(default_factory=list)
    links: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Index:
    """How far the index of a repository is. commit: None before the first time. rules: what it was made with."""

    repository_id: str
    commit: str | None
    rules: str
    config: Mapping[str, Any]
    diagnostics: list[dict[str, Any]]
    indexed_at: datetime | None


@dataclass(frozen=True)
class Run:
    """One time that a repository was indexed."""

    id: int
    repository: str
    commit: str | None
    status: str
    changed: int
    removed: int
    error: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Summary:
    """A document as lists show it."""

    repository_id: str
    path: str
    sha: str
    doc_type: str
    is_spec: bool
    title: str
    status: str | None
    owner: str
    team: str
    tags: list[str]
    review_status: str | None
    problems: int
    total_sections: int
    done_sections: int
    total_ac: int
    done_ac: int
    realized_ac: int


class Written(NamedTuple):
    """A spec as lists show it, as JSON, and its counts."""

    text: bytes
    total_sections: int
    done_sections: int
    total_ac: int
    done_ac: int
    realized_ac: int


@dataclass(frozen=True)
class Listing:
    """What stands in a repository, by path."""

    specs: list[Written]
    others: list[Summary]


@dataclass(frozen=True)
class Tasks:
    """What there is to do. rows: as `store.reading.tasks` gives them; total: without its limit.

    criteria: (document, position of the section) → its criteria, when they were asked for.
    """

    rows: list[dict[str, Any]]
    total: int
    repositories: dict[str, git.Repository]
    criteria: dict[tuple[int, int], list[dict[str, Any]]]


@dataclass(frozen=True)
class Shown:
    """A document with what is needed to show it.

    document: parsed, when it is a spec. names: criterion id → what it was called first. broken: (system, ticket) of links to nowhere.
    """

    repository: git.Repository
    summary: Summary
    text: str
    document: Document | None
    names: dict[str, str]
    config: dict[str, Any]
    broken: frozenset[tuple[str, str]] = frozenset()
