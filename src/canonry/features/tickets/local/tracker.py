"""Answers `ports.trackers` from our own tables."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from canonry.core.errors import Invalid, Issue, NotFound
from canonry.core.settings import Settings
from canonry.features.tickets.local import store
from canonry.features.tickets.rules import fingerprint_in
from canonry.infra.tx import Transactions, Tx
from canonry.ports.trackers import LinkedPull, Ticket, TicketChange, TicketWish

_KEY = re.compile(r"[A-Z][A-Z0-9_]{0,19}")
_WORDS = {
    "draft": "Backlog", "todo": "To Do", "in_progress": "In Progress", "blocked": "Blocked", "done": "Done", "deprecated": "Won't Do",
}  # fmt: skip


class LocalTracker:
    """Keeps tickets as rows. A ticket's id is the key of its project and a number: `PAY-7`."""

    def __init__(self, transactions: Transactions, settings: Settings, tx: Tx | None = None) -> None:
        self._transactions, self._settings, self._tx = transactions, settings, tx
        self._base = f"{settings.own_url}/v1/tickets/"

    def within(self, tx: Tx) -> "LocalTracker":
        """Return the tracker inside a transaction that is open: what it does and what is told of it happen together or not at all."""
        return LocalTracker(self._transactions, self._settings, tx)

    def create(self, organization_id: str, wish: TicketWish) -> Ticket:
        """Make a ticket; see the port. Raises: Invalid `invalid_project_key`."""
        if not _KEY.fullmatch(wish.project_key):
            raise Invalid("invalid_project_key", f"{wish.project_key[:40]!r} cannot be the key of a ticket project.",
                          hint="Take up to 20 capital letters, digits and _, a letter first: PAY.",
                          issues=[Issue("body.input.project_key", "capital letters, digits and _", "project_key")])  # fmt: skip
        with self._begin() as tx:
            if wish.parent_id is not None:
                self._get(tx, organization_id, wish.parent_id)
            ticket_id = store.insert(tx, organization_id, wish, wish.raw_status or _WORDS[wish.state])
            return self._get(tx, organization_id, ticket_id)

    def get(self, organization_id: str, ticket_id: str) -> Ticket:
        """Return a ticket."""
        with self._begin() as tx:
            return self._get(tx, organization_id, ticket_id)

    def find(self, organization_id: str, *, repository_id: str, project_key: str, fingerprint: str, summary: str | None) -> Ticket | None:
        """Return the ticket of a section; see the port."""
        with self._begin() as tx:
            found = store.by_fingerprint(tx, organization_id, repository_id, fingerprint)
            if found is None and summary is not None:
                found = store.by_summary(tx, organization_id, project_key, summary)
            return None if found is None else self._get(tx, organization_id, found)

    def change(self, organization_id: str, ticket_id: str, change: TicketChange) -> Ticket:
        """Change a ticket. The mark at the end of a new text says which section it is for from now on."""
        raw = change.raw_status or (_WORDS[change.state] if change.state is not None else "")
        with self._begin() as tx:
            if "\0" in ticket_id or not store.update(tx, organization_id, ticket_id, change, raw):
                raise _missing(ticket_id)
            mark = fingerprint_in(change.description) if change.description is not None else None
            if mark is not None:
                store.move_fingerprint(tx, organization_id, ticket_id, mark)
            return self._get(tx, organization_id, ticket_id)

    def link_pull_request(self, organization_id: str, ticket_id: str, pull: LinkedPull) -> None:
        """Let a ticket name a pull request."""
        with self._begin() as tx:
            self._get(tx, organization_id, ticket_id)
            store.link_pull(tx, organization_id, ticket_id, pull)

    def page(self, tx: Tx, organization_id: str, *, state: str | None, project_key: str | None, limit: int) -> list[Ticket]:
        """Return the newest tickets, of one state and of one project."""
        return store.page(tx, organization_id, self._base, state=state, project_key=project_key, limit=limit)

    @contextmanager
    def _begin(self) -> Iterator[Tx]:
        if self._tx is not None:
            yield self._tx
            return
        with self._transactions.begin() as tx:
            yield tx

    def _get(self, tx: Tx, organization_id: str, ticket_id: str) -> Ticket:
        found = store.find(tx, organization_id, ticket_id, self._base) if "\0" not in ticket_id else None
        if found is None:
            raise _missing(ticket_id)
        return found


def _missing(ticket_id: str) -> NotFound:
    return NotFound("ticket_not_found", f"There is no ticket {ticket_id[:60]!r}.", hint="`canonry tickets ls` lists them.")
