"""What is kept of each file between two commands: a summary for lists, and its sections and criteria for the rest."""

from dataclasses import asdict, dataclass
from typing import Any

from canonry.specs.lint import lint
from canonry.specs.measures import Counts, count
from canonry.specs.models import Criterion, Document, Section


@dataclass(frozen=True, slots=True)
class Summary:
    """A spec in one line. found: its diagnostics as (rule, severity, message, hint, line, column)."""

    path: str
    title: str
    status: str
    type: str
    owner: str
    team: str
    tags: list[str]
    depends_on: list[str]
    review_status: str | None
    counts: Counts
    found: list[tuple[str, str, str, str, int, int]]

    def show(self) -> dict[str, Any]:
        """As JSON."""
        figures = {"sections": self.counts.sections, "done_sections": self.counts.done_sections, "total_ac": self.counts.criteria,
                   "done_ac": self.counts.done_criteria, "realized_ac": self.counts.realized_criteria}  # fmt: skip
        return {"path": self.path, "title": self.title, "status": self.status, "type": self.type, "owner": self.owner, "team": self.team,
                "tags": self.tags, "depends_on": self.depends_on, "review_status": self.review_status, **figures}  # fmt: skip


def pack(document: Document) -> list[Any]:
    """Return the summary of a document, without its path, as a list that JSON can hold; what is wrong comes last."""
    head, counts = document.frontmatter, count(document)
    return [
        head.title, head.status, head.type, head.owner, head.team, list(head.tags), list(head.depends_on), head.review_status,
        [counts.sections, counts.done_sections, counts.criteria, counts.done_criteria, counts.realized_criteria],
        [[item.rule, item.severity, item.message, item.hint, item.line, item.column] for item in lint(document)],
    ]  # fmt: skip


def unpack(path: str, values: list[Any]) -> Summary:
    """Return the summary that was packed."""
    title, status, kind, owner, team, tags, depends_on, review, counts, found = values
    return Summary(path, title, status, kind, owner, team, tags, depends_on, review, Counts(*counts), found)


def show_section(section: Section) -> dict[str, Any]:
    """Return a section as JSON, without its children and its text."""
    return {
        "id": section.id,
        "number": section.number,
        "title": section.title,
        "depth": section.depth,
        "status": section.status.state,
        "blocked_by": section.status.blocked_by,
        "ticket": {"system": section.ticket.system, "id": section.ticket.id, "url": section.ticket.url} if section.ticket else None,
        "delta": section.delta.kind if section.delta else None,
        "line": section.start_line,
        "end_line": section.end_line,
        "acceptance_criteria": [show_criterion(criterion) for criterion in section.criteria],
        "scenarios": [scenario.name for scenario in section.scenarios],
    }


def show_criterion(criterion: Criterion) -> dict[str, Any]:
    """Return a criterion as JSON."""
    return {
        "id": criterion.id,
        "text": criterion.text,
        "checked": criterion.checked,
        "strength": criterion.strength,
        "line": criterion.line,
        "evidence": [asdict(item) for item in criterion.evidence],
    }
