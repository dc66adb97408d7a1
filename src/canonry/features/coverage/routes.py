"""HTTP for coverage."""

from typing import Annotated

from fastapi import Query

from canonry.core.access import Permission
from canonry.features.coverage import service
from canonry.features.coverage.schemas import CoverageAnswer, answer_of
from canonry.http.deps import OrgActorDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["JSON API"])

_Name = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.operation("GET", "/app/{org}/api/coverage", Permission.SPECS_READ)
def show_coverage(
    org: str,
    *,
    repo: _Name = None,
    team: _Name = None,
    days: Annotated[int, Query(ge=1, le=service.MOST_DAYS, description="how far the trend goes back")] = 30,
    actor: OrgActorDep,
    tx: TxDep,
) -> CoverageAnswer:
    """Show how much of what is specified is done, ticked and realized: as a whole, by repository, by team, and day by day."""
    del org
    return answer_of(service.coverage(tx, actor, repo=repo, team=team, days=days))
