"""Lines that were meant to be acceptance criteria and are none: a box that is written otherwise, and ids that are none."""

import re
from collections.abc import Iterator

from canonry.specs.identity import NAMED_AT_END
from canonry.specs.models import Diagnostic, Document, Severity
from canonry.specs.scanner import scan

_BULLET = r"(?:[-*+]|\d{1,9}[.)])"
_BOX = re.compile(
    r"\n[ \t]*(?=[-*+\d])(?:"  # `re` jumps to line feeds without looking at what lies between
    r"(?P<bullet>[*+]|\d{1,9}[.)])[ \t]+\[[ xX]\](?=[ \t])"  # `* [ ] text`
    rf"|{_BULLET}[ \t]*(?P<none>\[\])(?=[ \t\n]|$)"  # `- [] text`
    r"|-[ \t]*\[[ xX]\](?P<empty>[ \t]*(?![^\n]))"  # `- [ ]`
    r"|-[ \t]*\[[ xX]\](?P<close>[^ \t\n(\[:])"  # `- [ ]text`
    rf"|{_BULLET}[ \t]*\[(?P<sign>[yYvV✓✔✗~-])\](?=[ \t]))"  # `- [y] text`
)
_ID = re.compile(r"\{#[^{}]*\}$")
_SAYS = {
    "bullet": ("A box behind `{}` is no criterion.", "Write it with a hyphen: `- [ ] …`."),
    "none": ("`{}` is no box, so this is no criterion.", "Write `- [ ] …`, with a space in it."),
    "empty": ("This criterion has no words, so it is none.", "Write them behind the box, or take the line out."),
    "close": ("There is no space behind the box, so this is no criterion.", "Write `- [ ] …`."),
    "sign": ("`[{}]` is no box, so this is no criterion.", "Write `- [x] …` for what is ticked, `- [ ] …` for what is not."),
}


def near_boxes(document: Document) -> Iterator[Diagnostic]:
    """Give a warning for each line that looks like a criterion and is none, and for each id that is none; what is code means nothing."""
    body = document.text.split("\n", document.body_line - 1)[-1]
    start = len(document.text) - len(body)
    body = f"\n{body}"
    if (first := _BOX.search(body)) is not None:
        spans = list[tuple[int, int]]()
        for _ in scan(document.text, start, document.body_line, spans):
            pass
        hidden, line, counted = iter([*spans, (len(document.text) + 1, 0)]), document.body_line, 0
        begin, end = next(hidden)
        for match in _BOX.finditer(body, first.start()):
            at = match.start()
            line += body.count("\n", counted, at)
            counted = at
            while end <= start + at and begin <= start + at:
                begin, end = next(hidden)
            if start + at < begin:
                yield _warning(match, line)
    for _, criterion in document.criteria():
        if criterion.text.endswith("}") and (wrong := _ID.search(criterion.text)) and not NAMED_AT_END.search(criterion.text):
            message = f"`{wrong[0]}` is no id of a criterion, so it belongs to the text."
            hint = "Take letters, digits, `-`, `_` and `.`, at most 80, a letter or digit first."
            yield Diagnostic("ac.id", Severity.WARNING, message, hint, criterion.line, criterion.column)


def _warning(match: re.Match[str], line: int) -> Diagnostic:
    kind = match.lastgroup or "none"
    message, hint = _SAYS[kind]
    written = match[0][1:]
    column = len(written) - len(written.lstrip(" \t")) + 1
    return Diagnostic("ac.form", Severity.WARNING, message.format(match[kind]), hint, line, column)
