"""What stands in `<!-- canon:… -->` (or, as older files have it, `<!-- specwright:… -->`)."""

import re
from dataclasses import dataclass

from canonry.specs.models import Delta, Evidence, State, Status, Ticket

NAMESPACES = ("canon:", "specwright:")
KINDS = ("system", "ticket", "realized-in", "delta", "section")
DELTAS = ("added", "modified", "removed")
SYSTEMS = ("canonry", "jira", "linear", "github")
"""Where tickets may live; `canonry` is the tracker of Canonry itself."""
_STATES: dict[str, State] = {state.value: state for state in State}
_STATUS = re.compile(r"(\S+)\s+status:(\S+)")
_TICKET = re.compile(r"([\w-]+):(\S+)(?:\s+url:(\S+))?")
_REALIZED = re.compile(r"(PR#\d+|audit)\s+(?:file:)?(\S[^\n]*)")
_LINES = re.compile(r"(.+):(\d+(?:-\d+)?)")


@dataclass(frozen=True, slots=True)
class StatusMark:
    """A status comment: whose (number, id or slug), and the state, None when the word is none; `word` is what stands there."""

    target: str
    status: Status | None
    word: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What belongs at the end of a ticket and not into a spec."""

    path: str
    number: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """A comment of ours that cannot be read. rule: of the diagnostic. hint: how to write it."""

    rule: str
    message: str
    hint: str


type Mark = StatusMark | Ticket | Evidence | Delta | Fingerprint | Wrong


def is_ours(text: str) -> bool:
    """Return whether a comment is of one of our namespaces."""
    return text.startswith(NAMESPACES)


def read_comment(text: str, line: int) -> Mark:
    """Return what a comment of ours says. text: what stands between the signs, without spaces around it."""
    kind, _, rest = text.partition(":")[2].partition(":")
    if kind == "system":
        return _status(rest, line)
    if kind == "ticket":
        return _ticket(rest, line)
    if kind == "realized-in":
        return _evidence(rest, line)
    if kind == "delta":
        if rest.strip() in DELTAS:
            return Delta(rest.strip(), line)
        return Wrong("comment.delta", f"`{rest.strip()}` is no kind of change.", "Use added, modified or removed.")
    if kind == "section":
        path, _, number = rest.strip().rpartition(":")
        return Fingerprint(path, number)
    return Wrong("comment.unknown", f"There is no comment `canon:{kind}`.", f"There are {', '.join(KINDS)}.")


def parse_state(word: str, line: int | None = None) -> Status | None:
    """Return the status that a word like `done` or `blocked:PAY-7` says, None when it is none."""
    state, colon, reference = word.partition(":")
    if state == State.BLOCKED:
        return Status(State.BLOCKED, reference or None, line)
    found = None if colon else _STATES.get(state)
    return None if found is None else Status(found, None, line)


def _status(rest: str, line: int) -> Mark:
    match = _STATUS.fullmatch(rest.strip())
    if match is None:
        return Wrong("comment.status", "A status comment names the section and its state.", "Write `canon:system:2.1 status:todo`.")
    return StatusMark(match[1], parse_state(match[2], line), match[2])


def _ticket(rest: str, line: int) -> Mark:
    match = _TICKET.fullmatch(rest.strip())
    if match is None:
        return Wrong(
            "comment.ticket", "A ticket comment names the system and the ticket.", "Write `canon:ticket:jira:PAY-7 url:https://…`."
        )
    if match[1].lower() not in SYSTEMS:
        return Wrong("comment.ticket", f"`{match[1]}` is no ticket system.", f"Use one of {', '.join(SYSTEMS)}.")
    return Ticket(match[1].lower(), match[2], match[3], line)


def _evidence(rest: str, line: int) -> Mark:
    match = _REALIZED.fullmatch(rest.strip())
    if match is None:
        return Wrong(
            "comment.evidence", "Evidence names where it comes from and a file.", "Write `canon:realized-in:PR#12 file:src/a.py:3-9`."
        )
    path = match[2]
    if found := _LINES.fullmatch(path):
        return Evidence(match[1], found[1], found[2], line)
    return Evidence(match[1], path, None, line)
