"""What a spec consists of, as plain values. Lines and columns count from 1 in the whole file, frontmatter included."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How far a section is."""

    DRAFT = "draft"
    TO_DO = "todo"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    DONE = "done"
    DEPRECATED = "deprecated"


class Severity(StrEnum):
    """How much a diagnostic weighs: an error makes `lint` fail."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something in a file that is not as it should be: a stable rule (`status.unknown`), where, what, and what to do about it."""

    rule: str
    severity: Severity
    message: str
    hint: str
    line: int
    column: int = 1


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a section. line: of the comment that says it, None when the section has none and so is a draft."""

    state: State = State.DRAFT
    blocked_by: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.state}:{self.blocked_by}" if self.blocked_by else str(self.state)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A `realized-in` line. source: `PR#12` or `audit`. lines: `42` or `42-60` of the file at `path`, None for the whole file."""

    source: str
    path: str
    lines: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Criterion:
    """One acceptance criterion.

    id: stable within the document (identity.py says how it is made). text: without the id. strength: MUST, MUST NOT, SHOULD, SHOULD NOT
    or MAY, the first that stands in the text, else None. end_line: of its text, which may go on over indented lines. is_named: the author
    wrote the id.
    """

    id: str
    text: str
    checked: bool
    strength: str | None
    line: int
    column: int
    end_line: int
    evidence: tuple[Evidence, ...] = ()
    is_named: bool = False

    def proven(self, by: Evidence) -> "Criterion":
        """Return it with one more piece of evidence; `dataclasses.replace` takes ten times as long."""
        return Criterion(self.id, self.text, self.checked, self.strength, self.line, self.column, self.end_line, (*self.evidence, by),
                         self.is_named)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a scenario. keyword: GIVEN, WHEN, THEN, AND or BUT."""

    keyword: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story of at least one step."""

    name: str
    line: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Ticket:
    """Where a section stands in somebody's tracker. system: canonry, jira, linear or github."""

    system: str
    id: str
    url: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Delta:
    """A change marker. kind: added, modified or removed."""

    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a spec.

    id: `<number>-<slug>` or `<slug>`, unique in the document. start_line: the heading's; end_line: the last before the next section's
    heading, so children are not in it. content: the lines between them, with line feeds only.
    """

    id: str
    number: str | None
    title: str
    depth: int
    start_line: int
    end_line: int
    content: str
    status: Status
    ticket: Ticket | None = None
    delta: Delta | None = None
    criteria: tuple[Criterion, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    children: tuple["Section", ...] = ()

    @property
    def heading(self) -> str:
        """The title with its number, as people call it: `2.1. Retries`."""
        return f"{self.number}. {self.title}" if self.number else self.title

    def walk(self) -> Iterator["Section"]:
        """Give the section and everything below it, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """What stands between the `---` lines, with its defaults. other: keys that the format does not know, as strings and lists of them."""

    title: str = "Untitled Spec"
    status: str = "draft"
    type: str = "spec"
    owner: str = ""
    team: str = ""
    ticket_project: str | None = None
    created: str | None = None
    updated: str | None = None
    tags: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    supersedes: str | None = None
    review_status: str | None = None
    sync: str = "auto"
    ai_exposure: str | None = None
    other: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file. body_line: the first line after the frontmatter. text: the whole file, decoded, with line feeds only."""

    frontmatter: Frontmatter
    sections: tuple[Section, ...]
    diagnostics: tuple[Diagnostic, ...]
    body_line: int
    text: str

    def walk(self) -> Iterator[Section]:
        """Give every section, children included, in the order of the file."""
        for section in self.sections:
            yield from section.walk()

    def criteria(self) -> Iterator[tuple[Section, Criterion]]:
        """Give every criterion with its section."""
        for section in self.walk():
            for criterion in section.criteria:
                yield section, criterion
