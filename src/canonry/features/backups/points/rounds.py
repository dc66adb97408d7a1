"""The rounds: every project that is live gets a backup each night."""

import logging
import time
from datetime import UTC, datetime, timedelta

from canonry.core.clock import now
from canonry.core.environments import PRODUCTION
from canonry.core.errors import CanonryError
from canonry.features import deployments
from canonry.features.backups.context import Context
from canonry.features.backups.points import service, store

_log = logging.getLogger(__name__)
_LOOK_EVERY = 60.0
_HOUR = 2  # UTC


class PointRounds:
    """Looks once a minute; what was done tonight stands in the table, so a restart does nothing twice."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next_look = 0.0

    def round(self) -> None:
        """Keep what has not been kept since the night began."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_EVERY
        night = last_night(now())
        with self._context.transactions.begin() as tx:
            waiting = deployments.live_projects(tx, PRODUCTION, before=night) - store.projects_since(tx, night)
        for project_id in sorted(waiting):
            try:
                service.keep_nightly(self._context, project_id)
            except CanonryError as error:  # the others are kept all the same
                _log.warning("%s has no backup of tonight: %s", project_id, error)

    def close(self) -> None:
        """Nothing is held."""


def last_night(moment: datetime) -> datetime:
    """Return when the last night began, seen from this moment."""
    began = moment.astimezone(UTC).replace(hour=_HOUR, minute=0, second=0, microsecond=0)
    return began if began <= moment else began - timedelta(days=1)
