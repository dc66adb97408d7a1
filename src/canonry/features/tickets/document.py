"""Bringing the sections of one spec and their tickets together: what is done in the tracker, and the new text of the file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from canonry.core.clock import now
from canonry.core.errors import CanonryError, Denied, NotFound
from canonry.features.tickets import rules as say
from canonry.features.tickets.models import Direction, Item, Link, Result, Rules
from canonry.ports.trackers import Ticket, TicketChange, TicketWish, Tracker
from canonry.specs import edits
from canonry.specs.models import Document, Section, State

_LOOKED_AT_AGAIN = timedelta(hours=24)


@dataclass(frozen=True)
class Place:
    """A repository whose specs are looked at. url: what the address of a spec begins with."""

    organization_id: str
    repository_id: str
    url: str


@dataclass
class Ledger:
    """What is known of a repository's links before, and what a sync finds out. taken: tickets that a section is linked to."""

    links: dict[tuple[str, str], Link]
    broken: dict[tuple[str, str], datetime]
    taken: set[tuple[str, str]]
    result: Result = field(default_factory=Result)
    new_links: dict[tuple[str, str], Link] = field(default_factory=dict)
    new_broken: dict[tuple[str, str], bool] = field(default_factory=dict)


class SpecSync:
    """One spec. Call `bring_together`; an error of one section is noted and stops no other."""

    def __init__(self, place: Place, ledger: Ledger, tracker: Tracker, rules: Rules, *, direction: Direction, dry_run: bool) -> None:
        self._place, self._ledger, self._tracker, self._rules = place, ledger, tracker, rules
        self._forward = direction is not Direction.REVERSE
        self._reverse = direction is not Direction.FORWARD
        self._dry_run = dry_run
        self._tickets: dict[str, str] = {}

    def bring_together(self, path: str, document: Document, content: bytes) -> bytes:
        """Do what is to be done, and return the file as it has to be then."""
        if self._rules.why:
            self._ledger.result.skipped.append(Item(path, "", note=self._rules.why))
        # Those that have tickets first: where numbers moved, their tickets give up the marks that others need now.
        for section, above in sorted(_with_parents(document), key=lambda pair: pair[0].ticket is None):
            try:
                content = self._section(path, document, section, above, content)
            except CanonryError as error:
                ticket = section.ticket.id if section.ticket else None
                self._ledger.result.errors.append(Item(path, section.id, ticket, f"{error.code}: {error.message}"))
        return content

    def _section(self, path: str, document: Document, section: Section, above: Section | None, content: bytes) -> bytes:
        if section.ticket is None:
            return self._without(path, document, section, above, content)
        self._tickets[section.id] = section.ticket.id
        if section.number is None or section.ticket.system != self._rules.system:
            why = "it has no number" if section.number is None else f"its ticket is one of {section.ticket.system}"
            self._skip(path, section, section.ticket.id, why)
            return content
        key = (section.ticket.system, section.ticket.id)
        if (looked := self._ledger.broken.get(key)) is not None and now() - looked < _LOOKED_AT_AGAIN:
            self._skip(path, section, section.ticket.id, "the ticket is gone")
            return content
        try:
            ticket = self._tracker.get(self._place.organization_id, section.ticket.id)
        except (NotFound, Denied) as error:
            self._ledger.new_broken[key] = True
            self._skip(path, section, section.ticket.id, f"the link is broken: {error.message}")
            return content
        if key in self._ledger.broken:
            self._ledger.new_broken[key] = False
        return self._follow(path, document, section, ticket, content)

    def _without(self, path: str, document: Document, section: Section, above: Section | None, content: bytes) -> bytes:
        """Give a section that is to be done its ticket: the one it has already, one that is called so, or a new one."""
        if section.number is None or section.status.state not in say.CREATES or not self._forward:
            return content
        if not self._rules.may_create:
            self._skip(path, section, None, self._rules.held)
            return content
        summary, description = say.words_for(self._rules, path, document, section, f"{self._place.url}{path}")
        mark = say.fingerprint(path, section)
        found = self._find(mark, None)
        is_taken = found is not None and (self._system, found.id) in self._ledger.taken
        if found is not None and is_taken and self._dry_run and not _is_twice(document, section):
            found, is_taken = None, False  # its section has another number now: the mark would have moved with it
        if found is not None and is_taken:
            self._ledger.result.errors.append(
                Item(path, section.id, found.id, f"the number {section.number} stands twice, or its ticket is linked elsewhere")
            )
            return content
        if found is None and self._rules.finds_others:
            found = self._find(mark, summary)
            found = None if found is not None and (self._system, found.id) in self._ledger.taken else found
        if self._dry_run:
            (self._ledger.result.created if found is None else self._ledger.result.linked).append(Item(path, section.id))
            return content
        ticket = found or self._create(section, above, summary, description, document, mark)
        self._tickets[section.id] = ticket.id
        self._ledger.taken.add((self._system, ticket.id))
        (self._ledger.result.created if found is None else self._ledger.result.linked).append(Item(path, section.id, ticket.id))
        content = edits.set_ticket(content, section.id, system=self._system, ticket=ticket.id, url=ticket.url)
        return self._follow(path, document, section, ticket, content)

    def _create(self, section: Section, above: Section | None, summary: str, description: str, document: Document, mark: str) -> Ticket:
        state = section.status.state
        has_parent = self._rules.hierarchy.get("auto_parent") in {True, "true"} and above is not None
        wish = TicketWish(
            self._rules.project_key, summary, description, state=str(state), raw_status=say.word_for(state, self._rules.status_map),
            issue_type=say.issue_type(self._rules, section), labels=document.frontmatter.tags,
            assignees=(document.frontmatter.owner,) if document.frontmatter.owner else (),
            parent_id=self._tickets.get(above.id) if has_parent and above is not None else None,
            custom_fields={
                name: say.fill(str(value), {"section": {"number": section.number, "title": section.title},
                                            "spec": {"title": document.frontmatter.title, "team": document.frontmatter.team}})
                for name, value in self._rules.custom_fields.items()
            },
            repository_id=self._place.repository_id, fingerprint=mark,
        )  # fmt: skip
        return self._tracker.create(self._place.organization_id, wish)

    def _follow(self, path: str, document: Document, section: Section, ticket: Ticket, content: bytes) -> bytes:
        """Let whoever did not move follow whoever did, and the ticket's text the section's."""
        key = (self._system, ticket.id)
        last = self._ledger.links.get(key)
        has, state = section.status.state, say.state_of(ticket, self._rules.status_map)
        step = say.decide(has, state, last, self._rules.lifecycle)
        summary, description = say.words_for(self._rules, path, document, section, f"{self._place.url}{path}")
        words = say.digest(summary, description)
        item = Item(path, section.id, ticket.id, step.note)
        if step.kind == "reverse":
            if self._reverse:
                self._ledger.result.status_changed.append(replace(item, note=f"the section is {state} now, as its ticket"))
                if not self._dry_run:
                    content = edits.set_status(content, section.id, _word(state, ticket.blocked_by))
                self._ledger.new_links[key] = Link(*key, str(state), str(state), words if last is None else last.words)
            return content
        if not self._forward:
            return content
        change = TicketChange()
        if step.kind in {"close", "reopen", "move"}:
            change = replace(
                change, state=str(has), blocked_by=section.status.blocked_by, raw_status=say.word_for(has, self._rules.status_map)
            )
            lists = {"close": self._ledger.result.closed, "reopen": self._ledger.result.reopened,
                     "move": self._ledger.result.status_changed}  # fmt: skip
            lists[step.kind].append(item)
        elif step.note:
            self._ledger.result.skipped.append(item)
        if last is not None and last.words != words:
            change = replace(change, summary=summary, description=description)
            self._ledger.result.updated.append(item)
        if change != TicketChange() and not self._dry_run:
            state = say.state_of(self._tracker.change(self._place.organization_id, ticket.id, change), self._rules.status_map)
        self._ledger.new_links[key] = Link(*key, str(has), str(state), words)
        return content

    @property
    def _system(self) -> str:
        return self._rules.system or ""

    def _find(self, mark: str, summary: str | None) -> Ticket | None:
        return self._tracker.find(
            self._place.organization_id, repository_id=self._place.repository_id, project_key=self._rules.project_key, fingerprint=mark,
            summary=summary,
        )  # fmt: skip

    def _skip(self, path: str, section: Section, ticket_id: str | None, why: str) -> None:
        self._ledger.result.skipped.append(Item(path, section.id, ticket_id, why))


def _with_parents(document: Document) -> Iterator[tuple[Section, Section | None]]:
    for section in document.sections:
        yield section, None
        for child in section.children:
            yield child, section


def _is_twice(document: Document, section: Section) -> bool:
    return sum(item.number == section.number for item in document.walk()) > 1


def _word(state: State, blocked_by: str | None) -> str:
    if state is State.BLOCKED and blocked_by and re.fullmatch(r"(?:(?!--)[^\s>])+", blocked_by):
        return f"{state}:{blocked_by}"
    return str(state)
