"""Background entry points: each takes the container and ids."""

import logging

from canonry.core.errors import CanonryError, NotFound
from canonry.features.git.context import Context
from canonry.features.git.elsewhere import installing, service, statuses
from canonry.features.git.hosted import remove_repository
from canonry.features.git.mirrors import FETCH_TIMEOUT
from canonry.features.git.repositories import service as repositories

_log = logging.getLogger(__name__)


def fetch(context: Context, repository_id: str, **_rest: object) -> None:
    """Bring a repository up to date, or throw the copy of a removed one away. What fails is kept with it; the rounds come again."""
    try:
        with context.transactions.begin() as tx:
            found = repositories.get_any(tx, repository_id)
    except NotFound:
        return
    if found.is_removed:
        remove_repository(context.home, found.folder)
    elif found.is_elsewhere and not found.is_suspended:
        try:
            service.bring(context, found, patience=FETCH_TIMEOUT)
        except CanonryError as error:
            _log.warning("fetching %s: %s", found.full_name, error)
            if error.code == "database_unavailable":
                raise


def adopt_installation(context: Context, organization_id: str, number: str) -> None:
    """Register what an installation of the app may act on."""
    installing.adopt(context, organization_id, int(number))


def check(context: Context, repository_id: str) -> None:
    """Tell the host what the specs of branches that moved are worth."""
    statuses.tell_branches(context, repository_id)


def check_pull(context: Context, organization_id: str, repository_id: str, number: int, action: str) -> None:
    """Tell the host what a pull request would bring."""
    del organization_id
    if action in {"opened", "reopened", "synchronize", "edited"}:
        statuses.tell_pull(context, repository_id, number)
