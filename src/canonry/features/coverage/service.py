"""Coverage by its exact formula (canonry.specs.measures), over what the caller may see."""

from datetime import timedelta

from canonry.core.access import Actor, Permission, require
from canonry.core.clock import now
from canonry.features import git, specs
from canonry.features.coverage import store
from canonry.features.coverage.models import Coverage, Day
from canonry.infra.kept import Kept
from canonry.infra.tx import Tx
from canonry.specs.measures import Counts, total

MOST_DAYS = 3650
_sums = Kept[list[tuple[str, str, store.Sums]]](10_000, len)


def coverage(tx: Tx, actor: Actor, *, repo: str | None, team: str | None, days: int) -> Coverage:
    """Return the coverage of the caller's specs; today's part of the trend is of this moment, the others are of the ends of their days.

    repo: `owner/name` or a name. Letter case does not matter; unknown names give zeros.
    """
    require(actor, Permission.SPECS_READ)
    repositories = {item.id: item for item in git.repositories(tx, actor)}
    chosen = None if repo is None and actor.project_id is None else [item.id for item in repositories.values() if _is_named(item, repo)]
    by_repository: dict[str, Counts] = {}
    by_team: dict[str, Counts] = {}
    for repository_id, name, sums in _sums_of(tx, actor, chosen, team):
        counts = Counts(*sums)
        if repository_id in repositories:
            full_name = repositories[repository_id].full_name
            by_repository[full_name] = by_repository.get(full_name, Counts()) + counts
        if name:
            by_team[name] = by_team.get(name, Counts()) + counts
    today, whole = now().date(), total(by_repository.values())
    trend = store.days(tx, actor.organization_id, today - timedelta(days=days), today, chosen, team)
    if by_repository:
        trend.append(Day(today, whole.sections, whole.done_sections, whole.criteria, whole.done_criteria, whole.realized_criteria))
    return Coverage(whole, by_repository, by_team, trend)


def _sums_of(tx: Tx, actor: Actor, chosen: list[str] | None, team: str | None) -> list[tuple[str, str, store.Sums]]:
    """Return the sums of what is indexed, added up once for each state of the index."""
    key = (actor.organization_id, None if chosen is None else tuple(chosen), team)
    return _sums.get(key, specs.index_state(tx, actor), lambda: store.by_repository_and_team(tx, actor.organization_id, chosen, team))


def _is_named(repository: git.Repository, wanted: str | None) -> bool:
    return wanted is None or wanted.lower() in {repository.full_name.lower(), repository.name.lower()}
