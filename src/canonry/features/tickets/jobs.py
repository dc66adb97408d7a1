"""Background entry points: each takes the container and ids."""

import logging

from canonry.core.errors import CanonryError, NotFound
from canonry.core.ids import new_id
from canonry.features import git, specs
from canonry.features.tickets import store, syncing
from canonry.features.tickets.context import Context
from canonry.features.tickets.models import Direction, Item, Result, Trigger
from canonry.features.tickets.queue import AFTER_PUSH, FOLLOW
from canonry.features.tickets.syncing import Wish

_log = logging.getLogger(__name__)


def after_index(context: Context, repository_id: str) -> None:
    """Let the specs of a repository and their tickets be brought together when it uses a tracker."""
    with context.transactions.begin() as tx:
        try:
            index = specs.index_of(tx, git.get_repository(tx, repository_id))
        except NotFound:
            return
        if index is not None and (index.config.get("ticket_systems") or index.config.get("ticket_system")):
            tx.enqueue(AFTER_PUSH, repository_id=repository_id)


def after_push(context: Context, repository_id: str) -> None:
    """Bring the specs that a push changed in step with their tickets; nothing after a robot's commit or one that calls itself ours."""
    with context.transactions.begin() as tx:
        try:
            repository = git.get_repository(tx, repository_id)
        except NotFound:
            return
    head = git.head_of(context.home, repository.folder, repository.default_branch)
    if head is None or "[bot]" in head.author:
        return
    # Below a commit of our own may lie a push that was not looked at yet; our own changes are noted as in step.
    if head.message.startswith(syncing.OWN) and syncing.AUTHOR.name not in head.author:
        return
    _noted(context, repository_id, Trigger.PUSH, Wish(only_new=True))


def reflect(context: Context, organization_id: str, system: str, ticket_id: str) -> None:
    """Let the sections that are linked to a ticket follow it."""
    with context.transactions.begin() as tx:
        indexed = {place[0] for place in specs.places_of_ticket(tx, organization_id, system, ticket_id)}
        for repository_id in sorted(indexed | store.repositories_of(tx, organization_id, system, ticket_id)):
            tx.enqueue(FOLLOW, repository_id=repository_id, organization_id=organization_id, system=system, ticket_id=ticket_id)


def follow(context: Context, repository_id: str, organization_id: str, system: str, ticket_id: str) -> None:
    """Bring the specs of a repository that are linked to a ticket in step with it."""
    specs.bring_up(context, repository_id)
    with context.transactions.begin() as tx:
        places = specs.places_of_ticket(tx, organization_id, system, ticket_id)
    paths = {path for repository, path in places if repository == repository_id}
    if paths:
        _noted(context, repository_id, Trigger.TICKET, Wish(paths=paths))


def carry_out(context: Context, repository_id: str, run_id: str) -> None:
    """Do a sync that somebody asked for."""
    with context.transactions.begin() as tx:
        run = store.run(tx, repository_id, run_id)
    if run is None or run.ended_at is not None:
        return
    result = _done(context, repository_id, Wish(Direction(run.direction), dry_run=run.dry_run))
    with context.transactions.begin() as tx:
        store.end_run(tx, run_id, status=result.status, result=syncing.told(result))


def _noted(context: Context, repository_id: str, trigger: Trigger, wish: Wish) -> None:
    """Do a sync, and keep what it did when it did something."""
    result = _done(context, repository_id, wish)
    if not result.changes and not result.errors:
        return
    with context.transactions.begin() as tx:
        run_id = new_id("run")
        store.add_run(tx, run_id, repository_id, trigger=trigger, direction=wish.direction, dry_run=False, status="running")
        store.end_run(tx, run_id, status=result.status, result=syncing.told(result))


def _done(context: Context, repository_id: str, wish: Wish) -> Result:
    try:
        return syncing.run(context, repository_id, wish)
    except CanonryError as error:
        if error.code == "database_unavailable":
            raise
        _log.warning("tickets of %s: %s", repository_id, error)
        return Result(errors=[Item("", "", note=f"{error.code}: {error.message}")])
