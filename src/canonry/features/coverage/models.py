"""Coverage as plain values."""

from dataclasses import dataclass
from datetime import date

from canonry.specs.measures import Counts


@dataclass(frozen=True)
class Day:
    """What there was at the end of a day."""

    date: date
    total_sections: int
    done_sections: int
    total_ac: int
    done_ac: int
    realized_ac: int


@dataclass(frozen=True)
class Coverage:
    """by_repository: full name → counts; by_team: team → counts, specs without a team left out."""

    whole: Counts
    by_repository: dict[str, Counts]
    by_team: dict[str, Counts]
    trend: list[Day]
