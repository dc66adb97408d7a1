"""Use cases of people and programs: make, look at and change tickets in whatever tracker they live; ask for a sync.

The tracker is called outside of transactions; the fact is written down afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from canonry.core.access import Actor, Permission, require, require_unbound
from canonry.core.errors import CanonryError, Invalid, Issue, NotFound
from canonry.core.events import Event
from canonry.core.ids import new_id
from canonry.features import git, specs
from canonry.features.tickets import rules, store
from canonry.features.tickets.context import Context
from canonry.features.tickets.events import TicketCreated, TicketPullRequestLinked, TicketSyncRequested, TicketUpdated
from canonry.features.tickets.local import LocalTracker
from canonry.features.tickets.models import Direction, Run, Trigger
from canonry.features.tickets.queue import CARRY_OUT
from canonry.infra.tx import Tx
from canonry.ports.trackers import LinkedPull, Ticket, TicketChange, TicketWish, Tracker

LOCAL = "canonry"

type _Told = tuple[str, dict[str, Any] | None, dict[str, Any]]
"""Of which ticket an event is, and what it was before and after."""


class Desk:
    """The tickets of one tracker, as one caller may use them."""

    def __init__(self, context: Context, actor: Actor, system: str) -> None:
        require_unbound(actor)  # tickets are the organization's, not a project's
        self._context, self._actor, self.system = context, actor, system
        self._tracker = _tracker(context, system)

    def create(self, wish: TicketWish) -> Ticket:
        """Make a ticket; a second one for a section that has one is not made.

        Raises: as the port; Invalid `invalid_project_key`, `blocked_by_without_blocked`.
        """
        require(self._actor, Permission.SPECS_WRITE)
        _check_blocked(wish.state, wish.blocked_by)
        organization_id = self._actor.organization_id
        return self._do(TicketCreated, lambda tracker: tracker.create(organization_id, wish), lambda made: (made.id, None, _facts(made)))

    def get(self, ticket_id: str) -> Ticket:
        """Return a ticket. Raises: as the port."""
        require(self._actor, Permission.SPECS_READ)
        return self._tracker.get(self._actor.organization_id, ticket_id)

    def several(self, ticket_ids: Sequence[str]) -> tuple[list[Ticket], list[tuple[str, str]]]:
        """Return the tickets that there are, and of the others (id, reason)."""
        found: list[Ticket] = []
        faults: list[tuple[str, str]] = []
        for ticket_id in ticket_ids:
            try:
                found.append(self.get(ticket_id))
            except CanonryError as error:
                faults.append((ticket_id, f"{error.code}: {error.message}"))
        return found, faults

    def change(self, ticket_id: str, change: TicketChange) -> Ticket:
        """Change a ticket; sections that are linked to it follow soon after. Raises: as the port; Invalid `blocked_by_without_blocked`."""
        require(self._actor, Permission.SPECS_WRITE)
        _check_blocked(change.state, change.blocked_by)
        if change == TicketChange():
            raise Invalid("nothing_to_change", "Nothing is to be changed.", hint="Send what shall be otherwise.",
                          issues=[Issue("body", "holds nothing that can be changed", "body")])  # fmt: skip
        organization_id = self._actor.organization_id
        return self._do(
            TicketUpdated,
            lambda tracker: (tracker.get(organization_id, ticket_id), tracker.change(organization_id, ticket_id, change)),
            lambda both: (ticket_id, _facts(both[0]), _facts(both[1])),
        )[1]

    def link_pull_request(self, ticket_id: str, pull: LinkedPull) -> None:
        """Let a ticket name a pull request. Raises: as the port."""
        require(self._actor, Permission.SPECS_WRITE)
        organization_id = self._actor.organization_id
        self._do(
            TicketPullRequestLinked,
            lambda tracker: tracker.link_pull_request(organization_id, ticket_id, pull),
            lambda _: (ticket_id, None, asdict(pull)),
        )

    def _do[T](self, kind: Callable[..., Event], act: Callable[[Tracker], T], told: Callable[[T], _Told]) -> T:
        """Do something in the tracker and write it down: with our own in one transaction, with another one when it has answered."""
        if not isinstance(self._tracker, LocalTracker):
            done = act(self._tracker)
        with self._context.transactions.begin() as tx:
            if isinstance(self._tracker, LocalTracker):
                done = act(self._tracker.within(tx))
            ticket_id, before, after = told(done)
            tx.emit(kind(self._actor.organization_id, self.system, ticket_id), before=before, after=after)
        return done


def desk_of(context: Context, actor: Actor, *, owner: str | None, repo: str | None, system: str | None) -> tuple[Desk, str | None]:
    """Return the tickets that a repository's CANON.yaml leads to, or those of a system that is named; and the repository's id.

    Without anything in CANON.yaml: Canonry's own. Raises: NotFound `repository_not_found`; Invalid `owner_differs`, `repository_missing`;
    Invalid `tracker_not_connected`.
    """
    require(actor, Permission.SPECS_READ)
    repository = None
    if owner is not None and repo is not None:
        if owner != actor.organization_handle and system == "github":
            raise Invalid("owner_differs", "Tickets on GitHub belong to the organization in the path.", hint="Use its name as `owner`.",
                          issues=[Issue("body.owner", "another organization than in the path", "owner")])  # fmt: skip
        with context.transactions.begin() as tx:
            repository = git.find_repository(tx, actor, repo, owner=owner)
            index = specs.index_of(tx, repository)
        system = system or _system_in(dict(index.config) if index else {})
    elif system is None:
        raise Invalid("repository_missing", "The request names no repository.", hint="Send `owner` and `repo`, or `ticket_system`.",
                      issues=[Issue("body.repo", "missing", "repo")])  # fmt: skip
    return Desk(context, actor, system), repository.id if repository else None


def page(context: Context, tx: Tx, actor: Actor, *, state: str | None, project_key: str | None, limit: int) -> list[Ticket]:
    """Return the newest tickets that live in Canonry."""
    require(actor, Permission.SPECS_READ)
    require_unbound(actor)
    tracker = _tracker(context, LOCAL)
    return (
        tracker.page(tx, actor.organization_id, state=state, project_key=project_key, limit=limit)
        if isinstance(tracker, LocalTracker)
        else []
    )


def ask_for_sync(tx: Tx, actor: Actor, key: str, direction: Direction, *, dry_run: bool) -> Run:
    """Ask for a repository and its tickets to be brought together; what came of it is in the run. Raises: NotFound."""
    require(actor, Permission.SPECS_WRITE)
    repository = git.find_repository(tx, actor, key)
    run_id = new_id("run")
    store.add_run(tx, run_id, repository.id, trigger=Trigger.MANUAL, direction=direction, dry_run=dry_run, status="waiting")
    tx.emit(TicketSyncRequested(repository.organization_id, repository.id, run_id), after={"direction": str(direction), "dry_run": dry_run})
    tx.enqueue(CARRY_OUT, repository_id=repository.id, run_id=run_id)
    return get_run(tx, actor, key, run_id)


def get_run(tx: Tx, actor: Actor, key: str, run_id: str) -> Run:
    """Return a run. Raises: NotFound `repository_not_found`, `run_not_found`."""
    require(actor, Permission.SPECS_READ)
    repository = git.find_repository(tx, actor, key)
    found = store.run(tx, repository.id, run_id) if "\0" not in run_id else None
    if found is None:
        raise NotFound("run_not_found", f"{repository.full_name} has no sync {run_id[:60]!r}.", hint="The last hundred are kept.")
    return found


def list_runs(tx: Tx, actor: Actor, key: str) -> list[Run]:
    """Return the last syncs of a repository."""
    require(actor, Permission.SPECS_READ)
    return store.runs(tx, git.find_repository(tx, actor, key).id)


def wish_of(wish: TicketWish, repository_id: str | None) -> dict[str, Any]:
    """Return what ties a ticket that somebody makes to a section, when its text says so."""
    mark = rules.fingerprint_in(wish.description)
    return {"repository_id": repository_id, "fingerprint": mark} if repository_id is not None and mark is not None else {}


def _tracker(context: Context, system: str) -> Tracker:
    found = context.ports.trackers.get(system)
    if found is None:
        raise Invalid("tracker_not_connected", f"{system[:40]!r} is not connected.",
                      hint=f"Connected: {', '.join(sorted(context.ports.trackers))}.",
                      issues=[Issue("body.ticket_system", "is not connected", "ticket_system")])  # fmt: skip
    return found


def _check_blocked(state: str | None, blocked_by: str | None) -> None:
    if blocked_by is not None and state != "blocked":
        raise Invalid("blocked_by_without_blocked", "Only a ticket that is blocked is blocked by something.",
                      hint="Send the state `blocked` with it.",
                      issues=[Issue("body.blocked_by", "needs the state blocked", "state")])  # fmt: skip


def _system_in(config: dict[str, Any]) -> str:
    named = [value.get("system") for value in (config.get("ticket_systems") or {}).values() if isinstance(value, dict)]
    return str(config.get("ticket_system") or (named[0] if named else None) or LOCAL)


def _facts(ticket: Ticket) -> dict[str, Any]:
    return {"summary": ticket.summary[:200], "state": ticket.state, "blocked_by": ticket.blocked_by, "labels": list(ticket.labels)}
