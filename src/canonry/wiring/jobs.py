"""Every job of the system: its name, and the function that does it."""

from collections.abc import Callable, Mapping
from functools import partial

from canonry.features.auth import jobs as auth
from canonry.features.auth import queue as auth_queue
from canonry.features.backups.archiving import jobs as archiving
from canonry.features.backups.archiving import queue as archiving_queue
from canonry.features.backups.points import jobs as points
from canonry.features.backups.points import queue as point_queue
from canonry.features.backups.proofs import jobs as proofs
from canonry.features.backups.proofs import queue as proof_queue
from canonry.features.backups.restores import jobs as restores
from canonry.features.backups.restores import queue as restore_queue
from canonry.features.deployments import jobs as deployments
from canonry.features.deployments import queue as deployment_queue
from canonry.features.disk import jobs as disk
from canonry.features.disk import queue as disk_queue
from canonry.features.git.elsewhere import jobs as elsewhere
from canonry.features.git.elsewhere import queue as elsewhere_queue
from canonry.features.git.repositories import jobs as repositories
from canonry.features.git.repositories import queue as repository_queue
from canonry.features.notifications import jobs as notifications
from canonry.features.notifications import queue as notification_queue
from canonry.features.previews import jobs as previews
from canonry.features.previews import queue as preview_queue
from canonry.features.previews.reporting import jobs as reports
from canonry.features.previews.reporting import queue as report_queue
from canonry.features.specs import jobs as specs
from canonry.features.specs import queue as spec_queue
from canonry.features.tickets import jobs as tickets
from canonry.features.tickets import queue as ticket_queue
from canonry.features.tokens import jobs as tokens
from canonry.features.tokens import queue as token_queue
from canonry.features.volumes import jobs as volumes
from canonry.features.volumes import queue as volume_queue
from canonry.infra import mailbox
from canonry.infra.jobs import Job
from canonry.wiring.container import Container


def _index(container: Container, repository_id: str, **_rest: object) -> None:
    """Index what was pushed; what it says of tickets is followed up once that is done."""
    specs.index(container, repository_id)
    tickets.after_index(container, repository_id)


JOBS: Mapping[Job, Callable[..., None]] = {
    deployment_queue.RUN: deployments.run_deployments,
    deployment_queue.DEPLOY_COMMITTED: deployments.deploy_committed,
    deployment_queue.CLEAR: deployments.clear_project,
    deployment_queue.CLEAR_ENVIRONMENT: deployments.clear_environment,
    deployment_queue.RENEW: deployments.renew,
    archiving_queue.MAKE: archiving.make,
    point_queue.BEFORE_DEPLOYMENT: points.before_deployment,
    disk_queue.TIDY: disk.tidy,
    disk_queue.AFTER_DEPLOY: disk.after_deploy,
    proof_queue.DRILL: proofs.drill,
    restore_queue.PREPARE: restores.prepare,
    restore_queue.EXCHANGE: restores.exchange_databases,
    restore_queue.CLEAR: restores.clear,
    preview_queue.CLOSE: previews.close_preview,
    report_queue.REPORT: reports.report_deployment,
    report_queue.REPORT_CLOSED: reports.report_closed,
    auth_queue.END: auth.end_sessions,
    notification_queue.NOTE_FAILURE: notifications.note_failure,
    notification_queue.NOTE_BACKUP: notifications.note_backup,
    notification_queue.NOTE_FILL: notifications.note_fill,
    notification_queue.NOTE_DISK: notifications.note_disk,
    notification_queue.NOTE_SUCCESS: notifications.note_success,
    notification_queue.NOTE_PROOF: notifications.note_proof,
    mailbox.SEND: mailbox.send,
    volume_queue.CLEAR: volumes.clear_volume,
    spec_queue.APPROVE: specs.approve,
    spec_queue.FORGET_WORDS: specs.forget_words,
    repository_queue.CLEAR: repositories.clear,
    elsewhere_queue.FETCH: elsewhere.fetch,
    elsewhere_queue.CHECK: elsewhere.check,
    elsewhere_queue.CHECK_PULL: elsewhere.check_pull,
    elsewhere_queue.ADOPT: elsewhere.adopt_installation,
    spec_queue.INDEX: _index,
    ticket_queue.AFTER_PUSH: tickets.after_push,
    ticket_queue.CARRY_OUT: tickets.carry_out,
    ticket_queue.FOLLOW: tickets.follow,
    ticket_queue.REFLECT: tickets.reflect,
    token_queue.REVOKE: tokens.revoke_all,
    token_queue.REVOKE_EVERYWHERE: tokens.revoke_everywhere,
}
"""Each function takes the container first, then the job's arguments by name."""


def tasks(container: Container) -> dict[str, Callable[..., None]]:
    """Return job name → function, with the container in it already."""
    return {job.name: partial(function, container) for job, function in JOBS.items()}
