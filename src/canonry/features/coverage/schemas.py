"""Shapes of the answer about coverage."""

from pydantic import BaseModel, Field

from canonry.features.coverage.models import Coverage
from canonry.specs.measures import Counts


class CoverageSummary(BaseModel):
    """Counts and the four figures in percent, rounded to one decimal."""

    total_sections: int
    done_sections: int
    total_ac: int
    done_ac: int
    realized_ac: int
    section_coverage_pct: float = Field(description="done sections of all")
    ac_coverage_pct: float = Field(description="ticked criteria of all")
    realization_rate_pct: float = Field(description="criteria with evidence of all")
    health_score: float = Field(description="0.3 of the first two each and 0.4 of the third, before they are rounded")


class TrendPoint(BaseModel):
    """What there was at the end of a day."""

    date: str
    total_sections: int
    done_sections: int
    total_ac: int
    done_ac: int
    realized_ac: int


class CoverageAnswer(BaseModel):
    """Coverage now and day by day."""

    summary: CoverageSummary
    trend: list[TrendPoint]
    breakdown_by_repo: dict[str, CoverageSummary]
    breakdown_by_team: dict[str, CoverageSummary]


def answer_of(found: Coverage) -> CoverageAnswer:
    """Return coverage as the API shows it."""
    return CoverageAnswer(
        summary=_summary(found.whole),
        trend=[
            TrendPoint(date=day.date.isoformat(), total_sections=day.total_sections, done_sections=day.done_sections, total_ac=day.total_ac,
                       done_ac=day.done_ac, realized_ac=day.realized_ac)
            for day in found.trend
        ],
        breakdown_by_repo={name: _summary(counts) for name, counts in found.by_repository.items()},
        breakdown_by_team={name: _summary(counts) for name, counts in found.by_team.items()},
    )  # fmt: skip


def _summary(counts: Counts) -> CoverageSummary:
    return CoverageSummary.model_validate(counts.summary())
