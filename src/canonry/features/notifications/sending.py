"""Writes the mails: the first one at once; what follows within some minutes comes in one."""

import logging
import time

from canonry.core.access import Role
from canonry.core.clock import now
from canonry.core.errors import CanonryError
from canonry.features import accounts, backups, deployments, projects
from canonry.features.notifications import letters, store
from canonry.features.notifications.context import Context
from canonry.features.notifications.models import Failure, Notice
from canonry.features.notifications.rules import LOG_LINES, QUIET, WITH_LOG
from canonry.infra.mailbox import queue_mail
from canonry.infra.tx import Tx

_log = logging.getLogger(__name__)
_LOOK_EVERY = 15.0
_CLEAN_EVERY = 3600.0
_KEPT_DAYS = 30


def tell(context: Context, organization_id: str, user_id: str) -> None:
    """Write to somebody what they are to be told, unless they have just been written to: then it waits for the digest."""
    with context.transactions.begin() as tx:
        store.hold(tx, organization_id, user_id)
        last = store.last_mail(tx, organization_id, user_id)
        if last is not None and now() - last < QUIET:
            return
        notices = store.take(tx, organization_id, user_id)
        person = next((person for person in accounts.reachable_members(tx, organization_id) if person.user_id == user_id), None)
        if person is None or not notices:
            return
        newest_first = notices[::-1]
        failed = [notice for notice in newest_first if notice.kind == "failed"]
        failures = [found for number, notice in enumerate(failed) if (found := _failure(context, tx, notice, with_log=number < WITH_LOG))]
        recovered = [notice for notice in newest_first if notice.kind == "recovered"]
        if failures or recovered:
            handle = accounts.get_organization(tx, organization_id).handle
            queue_mail(tx, context.vault, letters.about_deploys(context.settings, person.email, handle, failures, recovered))


def tell_of_disk(context: Context, mark: str) -> None:
    """Write to those who run this Canonry that its disk fills, that builds have stopped, or that there is room again."""
    with context.transactions.begin() as tx:
        for address in accounts.operator_addresses(tx):
            queue_mail(tx, context.vault, letters.about_disk(context.settings, address, mark, context.ports.disk.space()))


def tell_of_backup(context: Context, organization_id: str, backup_id: str) -> None:
    """Write to the owners that backups of a database fail: of the first that does, until one succeeds again."""
    with context.transactions.begin() as tx:
        backup = backups.database_backup(tx, backup_id)
        if backup is None or backup.error is None or backup.error.get("code") == "interrupted":
            return
        made = [found for found in backups.database_backups(tx, [backup.cluster_id])[backup.cluster_id] if found.id <= backup.id]
        project = projects.get_any(tx, backup.project_id)
        if backups.failures_in_row([found for found in made if (found.error or {}).get("code") != "interrupted"]) != 1:
            return
        for person in accounts.reachable_members(tx, organization_id):
            if person.role == Role.OWNER:
                letter = letters.about_backup(context.settings, person.email, project.slug, str(backup.kind), backup.error)
                queue_mail(tx, context.vault, letter)


class Digest:
    """Writes what waited, when it has been quiet long enough."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next_look = 0.0
        self._next_cleaning = 0.0

    def round(self) -> None:
        """Write to everybody who is to be told something and has not just been written to."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_EVERY
        with self._context.transactions.begin() as tx:
            people = store.people_with_waiting(tx)
            if time.monotonic() >= self._next_cleaning:
                self._next_cleaning = time.monotonic() + _CLEAN_EVERY
                store.delete_old(tx, _KEPT_DAYS)
        for organization_id, user_id in people:
            try:
                tell(self._context, organization_id, user_id)
            except CanonryError as error:  # the others are told all the same
                _log.warning("%s was not told: %s", user_id, error)

    def close(self) -> None:
        """Nothing is held."""


def _failure(context: Context, tx: Tx, notice: Notice, *, with_log: bool) -> Failure | None:
    deployment = deployments.by_ids(tx, [notice.deployment_id]).get(notice.deployment_id)
    if deployment is None:
        return None
    error = deployment.error or {}
    kind = {"upload": "an uploaded folder", "release": "an earlier release", "renewal": "what was live"}.get(
        deployment.source["kind"], "the repository"
    )
    commit = f"{deployment.ref or ''} {(deployment.commit or '')[:8]} {(deployment.commit_message or '').partition(chr(10))[0]}".strip()
    log = deployments.last_lines(context.home, deployment.id, LOG_LINES) if with_log else ()
    return Failure(deployment.id, notice.slug, notice.environment, commit or kind, str(error.get("message", "")),
                   str(error.get("hint", "")), tuple(log))  # fmt: skip
