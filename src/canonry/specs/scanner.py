"""From text to the few lines that mean something: headings, checkboxes, steps of scenarios and HTML comments that stand alone.

One regular expression finds the candidates, and only they are looked at. It begins with a line feed, which `re` jumps to without looking at
the letters between. What is code or hidden means nothing: fenced code (also in list items), HTML comments over several lines, `<pre>`,
`<script>`, `<style>` and `<textarea>`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """What a line is."""

    HEADING = 1
    BOX = 2
    STEP = 3
    COMMENT = 4
    UNCLOSED = 5


@dataclass(slots=True)
class Token:
    """A line that means something.

    kind and what it carries: HEADING mark `##`, text the title; BOX mark ` ` or `x`; STEP mark the keyword; COMMENT text what is between
    the signs; UNCLOSED (a fence or a comment that never ends) mark its opening sign. column: of the mark, from 1. start, end: of the line.
    """

    kind: Kind
    mark: str
    text: str
    line: int
    column: int
    start: int
    end: int


_LINE = (
    r"(?P<line>)(?=[ \t]*[-#<`~*+\d])"
    r"(?:[ ]{0,3}(?P<hashes>#{1,6})(?![^ \t\n])(?P<title>.*)"
    r"|(?P<indent>[ \t]*)"
    r"(?:-[ \t]*\[(?P<box>[ xX])\][ \t]+(?P<text>[^\s].*)"
    r"|-[ \t]+(?P<step>(?i:GIVEN|WHEN|THEN|AND|BUT))[ \t]+(?P<what>[^\s].*)"
    r"|(?:[-*+][ ]+|\d{1,9}[.)][ ]+)?(?P<fence>`{3,}|~{3,})(?P<info>.*)"
    r"|<!--(?P<comment>.*)"
    r"|<(?P<tag>(?i:pre|script|style|textarea))(?=[\s>])(?P<html>.*)))"
)
_FIRST = re.compile(_LINE)  # at the very beginning of a text, where no line feed stands before the line
_CANDIDATE = re.compile(r"\n" + _LINE)
_LIST_ITEM = re.compile(r"([ \t]*)(?:[-*+]|\d{1,9}[.)])([ \t]+)")
_END_OF_HTML = re.compile(r"</(?:pre|script|style|textarea)>", re.IGNORECASE)
_LOOK_BACK = 50  # lines
_CLOSING_HASHES = re.compile(r"(?:^|[ \t])#+$")


def scan(text: str, start: int = 0, line: int = 1, skipped: list[tuple[int, int]] | None = None) -> Iterator[Token]:
    """Give the tokens of a text from the offset `start` on, which is the beginning of line `line`. Its line ends are line feeds.

    skipped: takes the offsets of what is code or hidden, from the first character to behind the last.
    """
    at, counted = start, start
    fence = (start, 0)
    find = _CANDIDATE.search
    match = _FIRST.match(text) if start == 0 else None
    while match := match or find(text, at - 1):
        begin = match.start("line")
        line += text.count("\n", counted, begin)
        counted = begin
        at = match.end()
        kind = match.lastgroup
        if kind == "title":
            yield Token(Kind.HEADING, match["hashes"], _title(match["title"]), line, match.start("hashes") - begin + 1, begin, at)
        elif kind == "text":
            yield Token(Kind.BOX, match["box"], match["text"].rstrip(), line, match.end("indent") - begin + 1, begin, at)
        elif kind == "what":
            yield Token(Kind.STEP, match["step"].upper(), match["what"].rstrip(), line, match.end("indent") - begin + 1, begin, at)
        elif kind == "comment":
            column = match.end("indent") - begin + 1
            token, at = _comment(text, match, line, column)
            if token:
                yield token
        elif kind == "info":
            at, is_closed, fence = _skip_fence(text, match, fence)
            if not is_closed:
                yield Token(Kind.UNCLOSED, match["fence"], "", line, match.start("fence") - begin + 1, begin, match.end())
        elif not _END_OF_HTML.search(match["html"]):
            end = _END_OF_HTML.search(text, at)
            at = _line_end(text, end.start() if end else -1)
        if skipped is not None and at > match.end():
            skipped.append((begin, at))
        match = None


def _comment(text: str, match: re.Match[str], line: int, column: int) -> tuple[Token | None, int]:
    """Return the token of a comment, None when text follows it in its line, and where scanning goes on."""
    inside, closing, rest = match["comment"].partition("-->")
    if closing:
        alone = Token(Kind.COMMENT, "<!--", inside.strip(), line, column, match.start("line"), match.end())
        return (None if rest.strip() else alone), match.end()
    end = text.find("-->", match.end())
    if end < 0:
        return Token(Kind.UNCLOSED, "<!--", "", line, column, match.start("line"), match.end()), len(text)
    return None, _line_end(text, end)


def _title(text: str) -> str:
    return _CLOSING_HASHES.sub("", text.strip()).rstrip() if text.rstrip().endswith("#") else text.strip()


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at) if at >= 0 else -1
    return len(text) if end < 0 else end


def _skip_fence(text: str, opening: re.Match[str], before: tuple[int, int]) -> tuple[int, bool, tuple[int, int]]:
    """Return where scanning goes on after a fence, whether it was closed, and what the next one wants to know as `before`.

    before: where the last fence ended, and how far its list item indents. What only looks like a fence is skipped as a line.
    """
    sign, info = opening["fence"], opening["info"]
    if sign[0] == "`" and "`" in info:
        return opening.end(), True, before
    column = opening.start("fence") - opening.start("line")
    container = _container(text, opening, column, before)
    if container is None:
        return opening.end(), True, before  # indented code that shows a fence
    ends = rf"(?P<close>[ ]{{{container},{container + 3}}}{re.escape(sign[0])}{{{len(sign)},}}[ \t]*$)"
    if container:  # the fence ends with its list item
        ends += rf"|[ ]{{0,{container - 1}}}(?=[^ \t\n])"
    end = re.compile(f"^(?:{ends})", re.MULTILINE).search(text, opening.end() + 1)
    if end is None:
        return len(text), False, before
    behind = end.end() if end["close"] else end.start()
    return behind, True, (behind, container if end["close"] else 0)


def _container(text: str, opening: re.Match[str], column: int, before: tuple[int, int]) -> int | None:
    """Return how far the list item around a fence indents what is in it: 0 for no item, None when the fence is indented code itself."""
    if item := _LIST_ITEM.match(text, opening.start("line"), opening.start("fence")):
        return len(item[0])
    if column == 0:
        return 0
    end, looked = opening.start("line") - 1, 0
    while end > before[0] and looked < _LOOK_BACK:
        looked += 1
        begin = text.rfind("\n", 0, end) + 1
        line = text[begin:end]
        if line.strip():
            if item := _LIST_ITEM.match(line):
                if len(item[0]) <= column:
                    return len(item[0])
            elif not line.startswith((" ", "\t")) and not (line[0].isalnum() and text[begin - 2 : begin - 1] not in {"", "\n"}):
                break  # neither indented nor a lazy line, which goes on with the paragraph above it
        end = begin - 1
    else:
        if end <= before[0] and 0 < before[1] <= column:
            return before[1]  # in the same item as the last fence
    return 0 if column < 4 else None
