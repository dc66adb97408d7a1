"""Who hears what: event name → jobs that are enqueued in the event's own transaction."""

from collections.abc import Mapping, Sequence

from canonry.features.auth.queue import END as END_SESSIONS
from canonry.features.notifications.queue import NOTE_FAILURE, NOTE_SUCCESS
from canonry.features.tokens.queue import REVOKE as REVOKE_CREDENTIALS
from canonry.infra.jobs import Job

SUBSCRIPTIONS: Mapping[str, Sequence[Job]] = {
    "deployment.failed": (NOTE_FAILURE,),
    "deployment.succeeded": (NOTE_SUCCESS,),
    "user.password_changed": (END_SESSIONS,),
    "member.removed": (REVOKE_CREDENTIALS,),
}
