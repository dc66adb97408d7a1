"""Pure decisions: what somebody is told by default, who is told of a deployment."""

from datetime import timedelta

from canonry.core.access import Role
from canonry.core.environments import is_preview
from canonry.features.notifications.models import Wish, Wishes

QUIET = timedelta(minutes=5)
"""After a mail, what else happens is gathered this long and comes in one."""
LISTED = 20
WITH_LOG = 3
LOG_LINES = 15


def defaults(role: str) -> Wishes:
    """Return what a member is told who never said anything: failed deploys of production, an owner all of them, others their own."""
    return Wishes(Wish.ALL if role == Role.OWNER else Wish.OWN, Wish.OFF, recovered=False)


def wants_failure(wishes: Wishes, environment: str, *, own: bool) -> bool:
    """Say whether somebody wants to hear that a deployment failed. own: they asked for it."""
    wish = wishes.failed_preview if is_preview(environment) else wishes.failed_production
    return wish is Wish.ALL or (wish is Wish.OWN and own)
