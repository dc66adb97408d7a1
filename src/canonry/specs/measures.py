"""Counting: coverage by its exact formula, progress of a document, and the tasks in it."""

from collections.abc import Iterable
from dataclasses import dataclass

from canonry.specs.models import Document, Section, State

OPEN = (State.TO_DO, State.IN_PROGRESS, State.BLOCKED)
"""The states of which a section is a task."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What coverage is made of. Sums with `+`. Every section counts, drafts and deprecated ones too."""

    sections: int = 0
    done_sections: int = 0
    criteria: int = 0
    done_criteria: int = 0
    realized_criteria: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.sections + other.sections,
            self.done_sections + other.done_sections,
            self.criteria + other.criteria,
            self.done_criteria + other.done_criteria,
            self.realized_criteria + other.realized_criteria,
        )

    @property
    def section_coverage(self) -> float:
        """Done sections, in percent of all; 0 without any."""
        return _percent(self.done_sections, self.sections)

    @property
    def criteria_coverage(self) -> float:
        """Ticked criteria, in percent of all."""
        return _percent(self.done_criteria, self.criteria)

    @property
    def realization_rate(self) -> float:
        """Criteria with evidence, in percent of all."""
        return _percent(self.realized_criteria, self.criteria)

    @property
    def health(self) -> float:
        """0.3 of the first two each and 0.4 of the third, before they are rounded."""
        return 0.3 * self.section_coverage + 0.3 * self.criteria_coverage + 0.4 * self.realization_rate

    def summary(self) -> dict[str, float | int]:
        """The counts and the four figures, rounded to one decimal, by the names of the API."""
        return {
            "total_sections": self.sections,
            "done_sections": self.done_sections,
            "total_ac": self.criteria,
            "done_ac": self.done_criteria,
            "realized_ac": self.realized_criteria,
            "section_coverage_pct": round(self.section_coverage, 1),
            "ac_coverage_pct": round(self.criteria_coverage, 1),
            "realization_rate_pct": round(self.realization_rate, 1),
            "health_score": round(self.health, 1),
        }


@dataclass(frozen=True, slots=True)
class Task:
    """One section to do."""

    section_id: str
    section_number: str | None
    title: str
    status: State
    blocked_by: str | None
    total_ac: int
    done_ac: int
    ticket_system: str | None
    ticket_id: str | None
    line: int


def count(document: Document) -> Counts:
    """Count one document. A criterion is realized when it has evidence on record."""
    sections = list(document.walk())
    criteria = [criterion for section in sections for criterion in section.criteria]
    return Counts(
        len(sections),
        [section.status.state for section in sections].count(State.DONE),
        len(criteria),
        [criterion.checked for criterion in criteria].count(True),
        len([criterion for criterion in criteria if criterion.evidence]),
    )


def count_section(section: Section) -> Counts:
    """Count one section, without its children."""
    return Counts(
        1,
        int(section.status.state is State.DONE),
        len(section.criteria),
        sum(criterion.checked for criterion in section.criteria),
        sum(bool(criterion.evidence) for criterion in section.criteria),
    )


def total(counts: Iterable[Counts]) -> Counts:
    """Add counts up."""
    return sum(counts, Counts())


def tasks(document: Document, states: Iterable[State] = OPEN) -> list[Task]:
    """Return the sections in one of these states, in the order of the file."""
    wanted = set(states)
    return [task_of(section) for section in document.walk() if section.status.state in wanted]


def task_of(section: Section) -> Task:
    """Return a section as a task."""
    counts = count_section(section)
    return Task(
        section.id, section.number, section.title, section.status.state, section.status.blocked_by, counts.criteria, counts.done_criteria,
        section.ticket.system if section.ticket else None, section.ticket.id if section.ticket else None, section.start_line,
    )  # fmt: skip


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
