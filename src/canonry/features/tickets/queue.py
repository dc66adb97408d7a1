"""The jobs of this feature, by the names under which they queue."""

from canonry.infra.jobs import Job

_ONE_AT_A_TIME = "tickets:{repository_id}"

AFTER_PUSH = Job("tickets.after_push", lock=_ONE_AT_A_TIME, coalesce=True)
# Another name for the same lock would coalesce with a push that looks at other files, so these queue each for itself.
CARRY_OUT = Job("tickets.carry_out", lock=_ONE_AT_A_TIME)
FOLLOW = Job("tickets.follow", lock=_ONE_AT_A_TIME)
REFLECT = Job("tickets.reflect", lock="ticket:{organization_id}:{system}:{ticket_id}", coalesce=True, is_quick=True)
