"""Which tracker a spec goes to, who follows whom, and what a ticket says of a section. Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from canonry.features.tickets.models import Link, Rules
from canonry.ports.trackers import Ticket
from canonry.specs.changes import prose
from canonry.specs.config import Config, TicketSystem
from canonry.specs.models import Document, Section, State

CREATES = frozenset({State.TO_DO, State.IN_PROGRESS})
CLOSED = frozenset({State.DONE, State.DEPRECATED})
_TOKEN = re.compile(r"\{\{#each ([\w.]+)\}\}(.*?)\{\{/each\}\}|\{\{([\w.]+)\}\}", re.DOTALL)
_MARKER = re.compile(r"<!--\s*(?:canon|specwright):section:(.+?:[\d.]+)\s*-->")
_SUMMARY = "[{{spec.title}} §{{section.number}}] {{section.title}}"
_DESCRIPTION = """Spec: {{spec_url}}

{{section.body}}

{{#each section.criteria}}{{this}}
{{/each}}
---
This ticket and its section in the spec follow each other.
{{fingerprint}}"""


@dataclass(frozen=True)
class Step:
    """What is to be done. kind: nothing, close, reopen, move (the ticket gets the section's state), reverse (the section the ticket's)."""

    kind: str
    note: str = ""


def rules_for(config: Config, path: str, document: Document, repository_name: str) -> Rules:
    """Return what counts for the tickets of one spec."""
    front = document.frontmatter
    system, extra = _system_of(config, path, document)
    if system is None:
        return Rules(None, "CANON.yaml names no ticket system for it")
    if front.sync == "false":
        return Rules(None, "sync: false")
    is_held = config.specs.require_review and front.sync != "true" and front.review_status != "approved"
    held = "not approved: review_status is not `approved`" if is_held else "" if config.specs.auto_tickets else "auto_tickets: false"
    key = front.ticket_project or system.project or config.project_key or repository_name
    return Rules(
        system.system, extra, project_key=_key(key), lifecycle=config.specs.lifecycle_sync, may_create=not held, held=held,
        finds_others=system.dedup_enabled, status_map=system.status_map, hierarchy=system.hierarchy, templates=system.templates,
        custom_fields=_mapping(system.field_map.get("custom")),
    )  # fmt: skip


def decide(section: State, ticket: State, last: Link | None, lifecycle: str) -> Step:
    """Say who follows: whoever did not move since they were last brought together; the ticket when both did, for the spec is the truth."""
    if section == ticket:
        return Step("nothing")
    has_ticket_moved = last is not None and str(ticket) != last.ticket_state
    if has_ticket_moved and last is not None and str(section) == last.section_state:
        return Step("reverse")
    if section in CLOSED and ticket not in CLOSED:
        return Step("nothing", "lifecycle_sync: false") if lifecycle == "false" else Step("close")
    if ticket in CLOSED and section not in CLOSED:
        if section not in CREATES:
            return Step("nothing", f"the ticket is closed, and a section that is {section} does not reopen it")
        return Step("reopen") if lifecycle == "true" else Step("nothing", f"lifecycle_sync: {lifecycle}")
    return Step("move")


def state_of(ticket: Ticket, status_map: Mapping[str, Any]) -> State:
    """Return a ticket's state in our words: by the map of CANON.yaml, else as the tracker says."""
    known = set(State)
    wanted = {name.lower(): word for name, word in _mapping(status_map.get("reverse")).items()}.get(ticket.raw_status.lower())
    for word in (wanted, ticket.state, status_map.get("fallback")):
        if word in known:
            return State(str(word))
    return State.TO_DO


def word_for(state: State, status_map: Mapping[str, Any]) -> str:
    """Return what the tracker shall call a state; empty for its own word."""
    word = _mapping(status_map.get("forward")).get(str(state))
    return word if isinstance(word, str) else ""


def fingerprint(path: str, section: Section) -> str:
    """Return what ties a ticket to a section: `docs/specs/login:2.1`."""
    return f"{path.rpartition('.')[0] or path}:{section.number}"


def fingerprint_in(description: str) -> str | None:
    """Return the fingerprint that stands at the end of a ticket's text."""
    found = _MARKER.findall(description)
    return str(found[-1]) if found else None


def words_for(rules: Rules, path: str, document: Document, section: Section, spec_url: str) -> tuple[str, str]:
    """Return summary and description of a section's ticket."""
    front = document.frontmatter
    values: dict[str, Any] = {
        "section": {
            "id": section.id, "number": section.number or "", "title": section.title, "status": str(section.status),
            "depth": str(section.depth), "body": _body(section), "criteria": _criteria(section),
            "acceptance_criteria": _criteria(section), "start_line": str(section.start_line),
        },
        "spec": {
            "title": front.title, "owner": front.owner, "team": front.team, "status": front.status, "type": front.type, "path": path,
            "tags": list(front.tags),
        },
        "spec_url": f"{spec_url}#section-{section.id}", "fingerprint": f"<!-- canon:section:{fingerprint(path, section)} -->",
    }  # fmt: skip
    summary = fill(str(rules.templates.get("summary") or _SUMMARY), values)
    description = fill(str(rules.templates.get("description") or _DESCRIPTION), values)
    if fingerprint_in(description) is None:
        description = f"{description.rstrip()}\n\n{values['fingerprint']}"
    return " ".join(summary.split())[:250] or section.title, re.sub(r"\n{3,}", "\n\n", description).replace("\0", "")[:60_000]


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Put values into `{{section.title}}` and `{{#each section.criteria}}{{this}}{{/each}}`. What comes in is not looked through again."""

    def put(match: re.Match[str]) -> str:
        each, inner, name = match.groups()
        if each is None:
            return _text(_value(values, name))
        items = _value(values, each)
        return "".join(fill(inner, {**values, "this": item}) for item in items) if isinstance(items, list) else ""

    return _TOKEN.sub(put, template)


def digest(summary: str, description: str) -> str:
    """Return what tells one text of a ticket from another."""
    return hashlib.sha256(f"{summary}\0{description}".encode()).hexdigest()[:32]


def issue_type(rules: Rules, section: Section) -> str:
    """Return the kind of a section's ticket: by its depth, when the hierarchy says so."""
    kinds = _mapping(rules.hierarchy.get("depth_to_type"))
    return str(kinds.get(str(section.depth)) or kinds.get(f"h{section.depth}") or rules.hierarchy.get("default_type") or "Task")


def _system_of(config: Config, path: str, document: Document) -> tuple[TicketSystem | None, str]:
    front = document.frontmatter
    targets = config.route(path=path, tags=front.tags, team=front.team, owner=front.owner)
    if targets and targets[0] in config.ticket_systems:
        extra = "" if len(targets) == 1 else f"only {targets[0]} is followed, not its shadow_targets {', '.join(targets[1:])}"
        return config.ticket_systems[targets[0]], extra
    if not config.ticket_systems and config.ticket_system is not None:
        return TicketSystem(config.ticket_system, config.ticket_system, project=config.project_key), ""
    return None, ""


def _key(text: str) -> str:
    letters = re.sub(r"[^A-Z0-9_]", "", text.upper()).lstrip("0123456789_")
    return letters[:20] or "SPEC"


def _body(section: Section) -> str:
    lines = [line for line in prose(section).splitlines() if not re.match(r"\s*-\s*\[[ xX]\]", line)]
    return "\n".join(lines).strip()


def _criteria(section: Section) -> list[str]:
    return [f"- [{'x' if item.checked else ' '}] {item.text}" for item in section.criteria]


def _value(values: Mapping[str, Any], name: str) -> object:
    found: object = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _text(value: object) -> str:
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
