"""From the bytes of a file to a `Document`. Whatever the bytes are, a document comes out and no exception; what is wrong is in it."""

import re
from dataclasses import dataclass, field

from canonry.specs.comments import Fingerprint, StatusMark, Wrong, is_ours, read_comment
from canonry.specs.frontmatter import read_frontmatter
from canonry.specs.identity import hashed_id, split_name
from canonry.specs.lines import decode, unify
from canonry.specs.models import (
    Criterion,
    Delta,
    Diagnostic,
    Document,
    Evidence,
    Frontmatter,
    Scenario,
    Section,
    Severity,
    State,
    Status,
    Step,
    Ticket,
)
from canonry.specs.scanner import Kind, Token, scan

MAX_BYTES = 1 << 20
"""A longer file is not parsed: it is shown as it is."""
ACCEPTANCE_CRITERIA = "Acceptance Criteria"
_NUMBER = re.compile(r"(\d+(?:\.\d+)*)\.?[ \t]+(\S.*)")
_NOT_SLUG = re.compile(r"[\W_]+")
_STRENGTH = re.compile(r"\b(MUST NOT|MUST|SHOULD NOT|SHOULD|MAY)\b")
_SCENARIO = re.compile(r"scenario:[ \t]*(\S.*)", re.IGNORECASE)
_CONTINUED = re.compile(r"[ \t]+(?![-*+][ \t]|-\[|\d{1,9}[.)][ \t]|<!--|#|`{3}|~{3}|>|\|)(\S.*)")
_OURS_SOMEWHERE = re.compile(r"<!--[ \t]*(?:canon|specwright):")
_INLINE_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")


def parse(content: bytes | str) -> Document:
    """Return the document of a file. content: its bytes, or its text as an editor has it."""
    fault: Diagnostic | None = None
    if isinstance(content, bytes):
        if len(content) > MAX_BYTES:
            return _unread("file.too_large", f"The file is longer than {MAX_BYTES >> 20} MiB.", "Split it.", content[:4096])
        text, bad_line = decode(content)
        if bad_line is not None:
            fault = Diagnostic("file.encoding", Severity.ERROR, "The file is not UTF-8.", "Save it as UTF-8.", bad_line)
    else:
        text = content
        if len(text) > MAX_BYTES:
            return too_large()
    if "\0" in text:
        return _unread("file.binary", "The file is not text.", "Remove the NUL bytes.", b"")
    return _Parser(unify(text), fault).parse()


def slug_of(title: str) -> str:
    """Return a title in lower case, with `-` for each run of other signs than letters and digits."""
    return _NOT_SLUG.sub("-", title.lower()).strip("-") or "section"


def strength_of(text: str) -> str | None:
    """Return MUST, MUST NOT, SHOULD, SHOULD NOT or MAY, whichever stands first in a text."""
    match = _STRENGTH.search(text)
    return match[1] if match else None


def too_large() -> Document:
    """Return the document of a file that is too long to be read at all."""
    return _unread("file.too_large", f"The file is longer than {MAX_BYTES >> 20} MiB.", "Split it.", b"")


def _unread(rule: str, message: str, hint: str, beginning: bytes) -> Document:
    found = Diagnostic(rule, Severity.ERROR, message, hint, 1)
    return Document(Frontmatter(), (), (found,), 1, beginning.decode(errors="replace"))


@dataclass(slots=True)
class _Open:
    """A section whose end is not reached yet."""

    title: str
    number: str | None
    depth: int
    line: int
    body: int  # offset of the first character after the heading
    id: str = ""
    slug: str = ""
    content: str = ""
    end_line: int = 0
    status: Status = field(default_factory=Status)
    ticket: Ticket | None = None
    delta: Delta | None = None
    criteria: list[Criterion] = field(default_factory=list)
    scenarios: list[Scenario] = field(default_factory=list)
    marks: list[tuple[StatusMark, Token]] = field(default_factory=list)
    children: list["_Open"] = field(default_factory=list)

    def close(self) -> Section:
        """Return the finished section with everything below it."""
        return Section(
            self.id, self.number, self.title, self.depth, self.line, self.end_line, self.content, self.status, self.ticket, self.delta,
            tuple(self.criteria), tuple(self.scenarios), tuple(child.close() for child in self.children),
        )  # fmt: skip


class _Parser:
    """One pass over the tokens of one text."""

    def __init__(self, text: str, fault: Diagnostic | None) -> None:
        self.text = text
        self.diagnostics = [fault] if fault else []
        self.top: list[_Open] = []
        self.all: list[_Open] = []
        self.section: _Open | None = None
        self.parent: _Open | None = None  # the level-2 section that the next level-3 one belongs to
        self.scenario: tuple[str, int, list[Step]] | None = None
        self.attached = -1  # offset up to which the last criterion reaches, -1 when evidence would attach to none
        self.ids: dict[str, int] = {}
        self.comments = 0
        self.names: set[str] | None = None

    def parse(self) -> Document:
        frontmatter, body, body_line = self._frontmatter()
        for token in scan(self.text, body, body_line):
            if token.kind is Kind.HEADING:
                self._heading(token)
            elif token.kind is Kind.BOX:
                self._criterion(token)
            elif token.kind is Kind.COMMENT:
                self._comment(token)
            elif token.kind is Kind.STEP:
                self._step(token)
            else:
                self._unclosed(token)
        self._end_scenario()
        self._end_section(len(self.text), self.text.count("\n") + (not self.text.endswith("\n")))
        self._name_sections()
        self._settle_statuses()
        if self.comments < len(_OURS_SOMEWHERE.findall(self.text, body)):
            self._misplaced(body, body_line)
        self.diagnostics.sort(key=lambda found: (found.line, found.column))
        return Document(frontmatter, tuple(section.close() for section in self.top), tuple(self.diagnostics), body_line, self.text)

    def _frontmatter(self) -> tuple[Frontmatter, int, int]:
        text = self.text
        if not text.startswith("---\n"):
            self._warn(
                "frontmatter.title",
                1,
                "There is no frontmatter, so no title.",
                "Begin the file with `---`, `title: …`, `---`.",
                is_error=True,
            )
            return Frontmatter(), 0, 1
        end = 3
        while (end := text.find("\n", end)) >= 0:
            if text.startswith(("---", "..."), end + 1) and text[end + 4 : end + 5] in {"", "\n"}:
                break
            end += 1
        if end < 0:
            self._warn("frontmatter.unclosed", 1, "The frontmatter does not end.", "End it with a line `---`.", is_error=True)
            return Frontmatter(), 0, 1
        found, diagnostics = read_frontmatter(text[4:end] if end > 3 else "", 2)
        self.diagnostics += diagnostics
        body = min(end + 5, len(text))
        return found, body, text.count("\n", 0, body) + 1

    def _heading(self, token: Token) -> None:
        self._end_scenario()
        self.attached = -1
        level = len(token.mark)
        if level == 4 and (match := _SCENARIO.match(token.text)):
            self.scenario = (match[1], token.line, [])
        if level not in {2, 3} or token.text == ACCEPTANCE_CRITERIA:
            return
        self._end_section(token.start, token.line - 1)
        match = _NUMBER.fullmatch(token.text)
        number, title = (match[1], match[2]) if match else (None, token.text)
        self.section = _Open(title, number, level, token.line, min(token.end + 1, len(self.text)))
        self.all.append(self.section)
        if level == 2:
            self.parent = self.section
            self.top.append(self.section)
        elif self.parent is not None:
            self.parent.children.append(self.section)
        else:
            self.top.append(self.section)
            self._warn(
                "section.orphan", token.line, f"`{token.text}` is of level 3 without a section of level 2 before it.", "Write it with ##."
            )
        if not title:
            self._warn("section.title", token.line, "The heading is empty.", "Give the section a title.")

    def _end_section(self, at: int, line: int) -> None:
        if self.section is not None:
            self.section.content = self.text[self.section.body : at]
            self.section.end_line = max(line, self.section.line)

    def _criterion(self, token: Token) -> None:
        self._end_scenario()
        self.attached = -1
        if self.section is None:
            self._warn(
                "ac.orphan", token.line, "This criterion stands before the first section and is not counted.", "Put it below a ## heading."
            )
            return
        end, end_line = token.end, token.line
        text = token.text
        if self.text[end + 1 : end + 2] in {" ", "\t"}:
            text, end = self._continue(text, end, token.column)
            end_line += self.text.count("\n", token.end, end)
        text, named = split_name(text)
        is_checked = token.mark != " "
        name = self._unique(named, hashed_id(text), token)
        self.section.criteria.append(
            Criterion(name, text, is_checked, strength_of(text), token.line, token.column, end_line, (), named is not None)
        )
        self.attached = end

    def _continue(self, text: str, end: int, column: int) -> tuple[str, int]:
        """Return the text of a criterion with the indented lines that go on with it, and where they end."""
        parts = [text]
        while end < len(self.text):
            stop = self.text.find("\n", end + 1)
            stop = len(self.text) if stop < 0 else stop
            match = _CONTINUED.fullmatch(self.text, end + 1, stop)
            if match is None or match.start(1) - end - 1 < column:
                break
            parts.append(match[1].rstrip())
            end = stop
        return " ".join(parts), end

    def _unique(self, named: str | None, hashed: str, token: Token) -> str:
        name = named or hashed
        if name not in self.ids:
            self.ids[name] = 1
            return name
        if named:
            self._warn(
                "ac.duplicate",
                token.line,
                f"The id `{named}` is given twice.",
                "Give each criterion an id of its own.",
                token.column,
                is_error=True,
            )
        else:
            self._warn(
                "ac.duplicate", token.line, "This criterion stands twice in the file.", "Remove one, or say what differs.", token.column
            )
        while True:
            self.ids[name] += 1
            numbered = f"{name}-{self.ids[name]}"
            if numbered not in self.ids:
                self.ids[numbered] = 1
                return numbered

    def _step(self, token: Token) -> None:
        if self.scenario is not None:
            self.scenario[2].append(Step(token.mark, token.text, token.line))
        self.attached = -1

    def _end_scenario(self) -> None:
        if self.scenario is None:
            return
        name, line, steps = self.scenario
        self.scenario = None
        if not steps:
            self._warn(
                "scenario.empty", line, f"The scenario `{name}` has no steps.", "Add lines like `- GIVEN …`, `- WHEN …`, `- THEN …`."
            )
        elif self.section is not None:
            self.section.scenarios.append(Scenario(name, line, tuple(steps)))

    def _comment(self, token: Token) -> None:
        if not is_ours(token.text):
            return
        self.comments += 1
        mark = read_comment(token.text, token.line)
        if isinstance(mark, Wrong):
            self._warn(mark.rule, token.line, mark.message, mark.hint, token.column)
        elif isinstance(mark, Fingerprint):
            self._warn(
                "comment.section", token.line, "`canon:section:` belongs at the end of a ticket.", "Remove it from the spec.", token.column
            )
        elif self.section is None:
            self._warn(
                "comment.orphan", token.line, "This comment stands before the first section.", "Put it below a ## heading.", token.column
            )
        elif isinstance(mark, StatusMark):
            self.section.marks.append((mark, token))
        elif isinstance(mark, Ticket):
            self.section.ticket = mark
        elif isinstance(mark, Delta):
            self.section.delta = mark
        else:
            self._evidence(mark, token)
        if self.attached >= 0 and not self.text[self.attached : token.start].strip():
            self.attached = token.end

    def _evidence(self, mark: Evidence, token: Token) -> None:
        section = self.section
        if section and section.criteria and self.attached >= 0 and not self.text[self.attached : token.start].strip():
            section.criteria[-1] = section.criteria[-1].proven(mark)
        else:
            self._warn(
                "evidence.unattached",
                token.line,
                "This evidence belongs to no criterion.",
                "Put it directly below the criterion it proves.",
                token.column,
            )

    def _unclosed(self, token: Token) -> None:
        what = "comment" if token.mark == "<!--" else "code block"
        self._warn(f"{what.split(maxsplit=1)[0]}.unclosed", token.line, f"This {what} never ends, so nothing after it counts.",
                   f"End it with {'-->' if what == 'comment' else token.mark}.", token.column, is_error=True)  # fmt: skip

    def _name_sections(self) -> None:
        taken: dict[str, int] = {}
        for section in self.all:
            section.slug = slug_of(section.title)
            wished = f"{section.number}-{section.slug}" if section.number else section.slug
            section.id = wished
            while section.id in taken:
                taken[wished] += 1
                section.id = f"{wished}-{taken[wished]}"
            taken.setdefault(section.id, 1)
            if section.id != wished:
                self._warn("section.duplicate", section.line, f"There is another section `{wished}`.", "Give it another title or number.")

    def _settle_statuses(self) -> None:
        for section in self.all:
            if not section.marks:
                continue
            for mark, token in section.marks:
                if not self._is_meant(section, mark.target):
                    self._warn("status.mismatch", token.line, f"`{mark.target}` is not this section, so its status is not read.",
                               f"Write `canon:system:{section.number or section.id} status:{mark.word}`.", token.column)  # fmt: skip
                    continue
                if section.status.line is not None:
                    self._warn(
                        "status.repeated", token.line, "The section has a second status; the last one counts.", "Remove one.", token.column
                    )
                if mark.status is None:
                    self._warn("status.unknown", token.line, f"`{mark.word}` is no state, so the section counts as a draft.",
                               f"Use one of {', '.join(State)}, or blocked:<reference>.", token.column, is_error=True)  # fmt: skip
                section.status = mark.status or Status(State.DRAFT, None, token.line)

    def _is_meant(self, section: _Open, target: str) -> bool:
        if section.number is None or target in {section.number, section.id, section.slug}:
            return True
        return not target[0].isdigit() and target not in self._names()

    def _names(self) -> set[str]:
        """The ids and slugs of all sections; made once, and only for a comment that does not name its own section."""
        if self.names is None:
            self.names = {name for section in self.all for name in (section.id, section.slug)}
        return self.names

    def _misplaced(self, body: int, line: int) -> None:
        """Warn about comments of ours within a line of text; in code they are meant to be shown."""
        code: list[tuple[int, int]] = []
        alone = {token.line for token in scan(self.text, body, line, code) if token.kind is Kind.COMMENT}
        hidden = {number for begin, end in code for number in range(*self._line_numbers(begin, end))}
        for number, text in enumerate(self.text[body:].split("\n"), line):
            if number not in alone and number not in hidden and (match := _OURS_SOMEWHERE.search(_INLINE_CODE.sub(_blank, text[:2000]))):
                self._warn(
                    "comment.misplaced",
                    number,
                    "This comment shares its line with text and is not read.",
                    "Put it on a line of its own.",
                    match.start() + 1,
                )

    def _line_numbers(self, begin: int, end: int) -> tuple[int, int]:
        first = self.text.count("\n", 0, begin) + 1
        return first, first + self.text.count("\n", begin, end) + 1

    def _warn(self, rule: str, line: int, message: str, hint: str, column: int = 1, *, is_error: bool = False) -> None:
        self.diagnostics.append(Diagnostic(rule, Severity.ERROR if is_error else Severity.WARNING, message, hint, line, column))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])
