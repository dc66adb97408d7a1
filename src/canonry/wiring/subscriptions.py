"""Who hears what: event name → jobs that are enqueued in the event's own transaction."""

from collections.abc import Mapping, Sequence

from canonry.features.auth.queue import END as END_SESSIONS
from canonry.features.tokens.queue import REVOKE as REVOKE_CREDENTIALS
from canonry.infra.jobs import Job

SUBSCRIPTIONS: Mapping[str, Sequence[Job]] = {
    "user.password_changed": (END_SESSIONS,),
    "member.removed": (REVOKE_CREDENTIALS,),
}
