"""Writing into a file: one line is replaced or added, every other byte stays, line ends and a missing last one included.

Each function takes the bytes of the file and gives the new bytes; the very same ones when there is nothing to do.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from canonry.core.errors import Conflict, Invalid, NotFound
from canonry.specs.comments import DELTAS, SYSTEMS, is_ours, parse_state
from canonry.specs.lines import split
from canonry.specs.models import Criterion, Document, Section, State
from canonry.specs.parser import parse

_BOX = re.compile(r"([ \t]*-[ \t]*\[)([ xX])(\])")
_COMMENT = re.compile(r"[ \t]*<!--(.*)-->[ \t]*")
_SOURCE = re.compile(r"PR#\d{1,9}|audit")
_LINES = re.compile(r"\d{1,7}(?:-\d{1,7})?")
_KEY = re.compile(r"([A-Za-z_][\w-]*):(?:[ \t]|$)")


def set_status(content: bytes, section: str, state: str) -> bytes:
    """Give a section a status, by its id, number or title's slug. state: like `todo`, `blocked` or `blocked:PAY-7`.

    Raises: Invalid `state`; NotFound `section_not_found`; Conflict `unreadable_spec`.
    """
    if parse_state(state) is None or not re.fullmatch(r"[^\s>]+", state):
        raise Invalid("state", f"`{state}` is no state.", hint=f"Use one of {', '.join(State)}, or blocked:<reference>.")
    file = _File.read(content)
    found = find_section(file.document, section)
    if str(found.status) == state and found.status.line is not None:
        return content
    if found.status.line is not None:
        text = file.inside(found.status.line)
        return file.replace(found.status.line, re.sub(r"(\sstatus:)\S+?(?=\s*-->)", lambda match: match[1] + state, text, count=1))
    return file.insert_after_heading(found, f"<!-- canon:system:{found.number or found.id} status:{state} -->")


def set_checked(content: bytes, criterion: str, *, checked: bool = True) -> bytes:
    """Tick or untick a criterion, by its id or its text (case does not matter).

    Raises: NotFound `criterion_not_found`; Conflict `criterion_ambiguous` or `unreadable_spec`.
    """
    file = _File.read(content)
    found = find_criterion(file.document, criterion)
    if found.checked == checked:
        return content
    sign = "x" if checked else " "
    return file.replace(found.line, _BOX.sub(lambda match: match[1] + sign + match[3], file.inside(found.line), count=1))


def add_evidence(content: bytes, criterion: str, *, source: str, path: str, lines: str | None = None) -> bytes:
    """Write a `realized-in` line below a criterion, after the evidence it has. Evidence that is there already is not written twice.

    source: `PR#12` or `audit`. Raises: Invalid `evidence`, and what `set_checked` raises.
    """
    if not _SOURCE.fullmatch(source) or not path.strip() or re.search(r"[\x00-\x1f]|-->", path) or (lines and not _LINES.fullmatch(lines)):
        raise Invalid(
            "evidence",
            f"`{source} {path}:{lines or ''}` cannot be written as evidence.",
            hint="The source is PR#<number> or audit, the path is one line without -->, the lines are like 3 or 3-9.",
        )
    file = _File.read(content)
    found = find_criterion(file.document, criterion)
    if any((item.source, item.path, item.lines) == (source, path.strip(), lines) for item in found.evidence):
        return content
    last = found.evidence[-1].line if found.evidence else found.end_line
    indent = " " * (found.column + 1)
    place = f"{path.strip()}:{lines}" if lines else path.strip()
    return file.insert_after(last, f"{indent}<!-- canon:realized-in:{source} file:{place} -->")


def set_ticket(content: bytes, section: str, *, system: str, ticket: str, url: str | None = None) -> bytes:
    """Link a section to a ticket; a link that is there is replaced. A url that would end the comment or is none is left out.

    Raises: Invalid `ticket`; NotFound `section_not_found`; Conflict `unreadable_spec`.
    """
    if system not in SYSTEMS or not re.fullmatch(r"(?:(?!-->)\S)+", ticket):
        raise Invalid(
            "ticket", f"`{system}:{ticket}` is no ticket.", hint=f"The system is one of {', '.join(SYSTEMS)}; the ticket has no spaces."
        )
    file = _File.read(content)
    found = find_section(file.document, section)
    usable = url if url and re.fullmatch(r"https?://(?:(?!-->)\S)+", url) else None
    if found.ticket and (found.ticket.system, found.ticket.id, found.ticket.url) == (system, ticket, usable):
        return content
    comment = f"<!-- canon:ticket:{system}:{ticket}{f' url:{usable}' if usable else ''} -->"
    if found.ticket:
        return file.replace_comment(found.ticket.line, comment)
    return file.insert_after_heading(found, comment)


def set_delta(content: bytes, section: str, kind: str | None) -> bytes:
    """Mark a section as added, modified or removed in place of the mark it has; None takes the mark away.

    Raises: Invalid `delta`; NotFound `section_not_found`; Conflict `unreadable_spec`.
    """
    if kind is not None and kind not in DELTAS:
        raise Invalid("delta", f"`{kind}` is no kind of change.", hint=f"Use one of {', '.join(DELTAS)}.")
    file = _File.read(content)
    found = find_section(file.document, section)
    if (found.delta.kind if found.delta else None) == kind:
        return content
    if found.delta is None:
        return file.insert_after_heading(found, f"<!-- canon:delta:{kind} -->")
    if kind is None:
        return file.remove(found.delta.line)
    return file.replace_comment(found.delta.line, f"<!-- canon:delta:{kind} -->")


def set_field(content: bytes, name: str, value: str) -> bytes:
    """Set a one-line field of the frontmatter (`review_status`, `updated` …); a new one is added as its last line.

    Raises: Invalid `field`; Conflict `unreadable_spec`.
    """
    if not re.fullmatch(r"[a-z_]+", name) or not re.fullmatch(r"[\w./@+-]+", value):
        raise Invalid("field", f"`{name}: {value}` cannot be written by this command.", hint="Edit the frontmatter by hand.")
    file = _File.read(content)
    last = file.document.body_line - 2
    if last < 1 or any(found.rule == "frontmatter.yaml" for found in file.document.diagnostics):
        raise Conflict(
            "unreadable_spec", "The file has no frontmatter that can be changed.", hint="Begin it with `---`, `title: …`, `---`."
        )
    for number in range(last, 1, -1):
        text = file.inside(number)
        match = _KEY.match(text)
        if match and match[1] == name:
            following = file.inside(number + 1)
            if following[:1] in {" ", "\t", "-"} and not following.startswith("---"):
                raise Invalid("field", f"`{name}` stands on several lines.", hint="Edit the frontmatter by hand.")
            return content if text == f"{name}: {value}" else file.replace(number, f"{name}: {value}")
    return file.insert_after(last, f"{name}: {value}")


def find_section(document: Document, wanted: str) -> Section:
    """Return a section by its id, its number, its title or its title's slug, or by a part of its id; the first in the order of the file.

    Raises: NotFound `section_not_found`.
    """
    sections = list(document.walk())
    tests: tuple[Callable[[Section], bool], ...] = (
        lambda section: section.id == wanted,
        lambda section: section.number == wanted.rstrip("."),
        lambda section: section.title.casefold() == wanted.casefold(),
        lambda section: bool(wanted) and wanted.casefold() in section.id,
    )
    for test in tests:
        for section in sections:
            if test(section):
                return section
    raise NotFound("section_not_found", f"There is no section `{wanted}`.",
                   hint=f"There are {', '.join(section.id for section in sections[:12]) or 'none'}.")  # fmt: skip


def find_criterion(document: Document, wanted: str) -> Criterion:
    """Return a criterion by its id or its whole text, case aside.

    Raises: NotFound `criterion_not_found`; Conflict `criterion_ambiguous`, when a text stands more than once.
    """
    criteria = [criterion for _, criterion in document.criteria()]
    for criterion in criteria:
        if criterion.id == wanted:
            return criterion
    matching = [criterion for criterion in criteria if criterion.text.casefold() == wanted.strip().casefold()]
    if len(matching) > 1:
        raise Conflict(
            "criterion_ambiguous", f"`{wanted}` stands {len(matching)} times.", hint=f"Use an id: {', '.join(c.id for c in matching)}."
        )
    if not matching:
        raise NotFound("criterion_not_found", f"There is no criterion `{wanted}`.", hint="Name it by its id or its whole text.")
    return matching[0]


@dataclass(frozen=True, slots=True)
class _File:
    """A file as lines with their ends, and what it says."""

    lines: list[str]
    document: Document

    @classmethod
    def read(cls, content: bytes) -> "_File":
        document = parse(content)
        if any(found.rule in {"file.too_large", "file.binary"} for found in document.diagnostics):
            raise Conflict("unreadable_spec", "The file cannot be read as a spec, so it is not changed.", hint=document.diagnostics[0].hint)
        return cls(split(content.decode(errors="surrogateescape")), document)

    def inside(self, line: int) -> str:
        """The text of a line without its end."""
        return self.lines[line - 1].rstrip("\r\n") if line <= len(self.lines) else ""

    def replace(self, line: int, text: str) -> bytes:
        old = self.lines[line - 1]
        return self._join([*self.lines[: line - 1], text + old[len(old.rstrip("\r\n")) :], *self.lines[line:]])

    def replace_comment(self, line: int, comment: str) -> bytes:
        return self.replace(line, re.sub(r"<!--.*?-->", lambda _: comment, self.inside(line), count=1))

    def remove(self, line: int) -> bytes:
        return self._join([*self.lines[: line - 1], *self.lines[line:]])

    def insert_after(self, line: int, text: str) -> bytes:
        """Add a line; it ends as its neighbour does. After a last line without an end, the new line has none either."""
        before = self.lines[line - 1]
        end = before[len(before.rstrip("\r\n")) :]
        if end:
            return self._join([*self.lines[:line], text + end, *self.lines[line:]])
        return self._join([*self.lines[: line - 1], before + self._usual_end(), text])

    def insert_after_heading(self, section: Section, comment: str) -> bytes:
        """Add a comment below the heading and the comments of ours that stand there; the first one after a blank line, if one is there."""
        at = section.start_line
        for number in range(section.start_line + 1, section.end_line + 1):
            text = self.inside(number)
            if (match := _COMMENT.fullmatch(text)) and is_ours(match[1].strip()):
                at = number
            elif text.strip():
                break
        if at == section.start_line and at < section.end_line and not self.inside(at + 1).strip():
            at += 1
        return self.insert_after(at, comment)

    def _usual_end(self) -> str:
        first = self.lines[0]
        return first[len(first.rstrip("\r\n")) :] or "\n"

    @staticmethod
    def _join(lines: list[str]) -> bytes:
        return "".join(lines).encode(errors="surrogateescape")


__all__ = ["add_evidence", "find_criterion", "find_section", "set_checked", "set_delta", "set_field", "set_status", "set_ticket"]
