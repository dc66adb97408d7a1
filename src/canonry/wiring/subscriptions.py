"""Who hears what: event name → jobs that are enqueued in the event's own transaction."""

from collections.abc import Mapping, Sequence

from canonry.features.auth.queue import END as END_SESSIONS
from canonry.features.backups.points.queue import BEFORE_DEPLOYMENT
from canonry.features.deployments.queue import DEPLOY_COMMITTED, RENEW
from canonry.features.disk.queue import AFTER_DEPLOY
from canonry.features.git.elsewhere.queue import CHECK_PULL, FETCH
from canonry.features.notifications.queue import NOTE_BACKUP, NOTE_DISK, NOTE_FAILURE, NOTE_FILL, NOTE_PROOF, NOTE_SUCCESS
from canonry.features.previews.reporting.queue import REPORT, REPORT_CLOSED
from canonry.features.specs.queue import APPROVE, INDEX
from canonry.features.tickets.queue import REFLECT
from canonry.features.tokens.queue import REVOKE as REVOKE_CREDENTIALS
from canonry.features.tokens.queue import REVOKE_EVERYWHERE
from canonry.infra.jobs import Job

SUBSCRIPTIONS: Mapping[str, Sequence[Job]] = {
    "deployment.requested": (REPORT, BEFORE_DEPLOYMENT),
    "disk.mark_changed": (NOTE_DISK,),
    "deployment.failed": (NOTE_FAILURE, REPORT),
    "deployment.succeeded": (NOTE_SUCCESS, REPORT, AFTER_DEPLOY),
    "deployment.cancelled": (REPORT,),
    "deployment.superseded": (REPORT,),
    "repository.pushed": (INDEX,),
    "spec.saved": (INDEX, DEPLOY_COMMITTED),
    "spec.approved": (INDEX,),
    "pull_request.merged": (INDEX, DEPLOY_COMMITTED, APPROVE),
    "repository.removed": (INDEX,),
    "github.pushed": (FETCH,),
    "github.pull_request": (APPROVE, CHECK_PULL),
    "ticket.updated": (REFLECT,),
    "tickets.synced": (INDEX,),
    "database_backup.failed": (NOTE_BACKUP,),
    "database.created": (RENEW,),
    "database.rotated": (RENEW,),
    "database.moved": (RENEW,),
    "database.deleted": (RENEW,),
    "database.nearly_full": (NOTE_FILL,),
    "database.full": (NOTE_FILL,),
    "backup.disproved": (NOTE_PROOF,),
    "backup.proof_overdue": (NOTE_PROOF,),
    "preview.closed": (REPORT_CLOSED,),
    "user.password_changed": (END_SESSIONS,),
    "user.deactivated": (END_SESSIONS, REVOKE_EVERYWHERE),
    "member.removed": (REVOKE_CREDENTIALS,),
}
