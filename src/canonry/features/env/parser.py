r"""The text of `.env` files.

One `KEY=value` each, with or without `export` before it. A value stands bare (up to the end of the line or a ` #`), in single quotes or
backticks (as it is) or in double quotes (`\n`, `\r`, `\t` and escaped quotes, `$` and backslashes are read); quoted ones may go over
several lines.
Nothing is expanded: `$NAME` in a value stays what it is.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from canonry.core.errors import Invalid, Issue

_NOTHING = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?:\n|\Z)")
_NAME = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([^\s=#'\"`]+)[^\S\n]*=")
_BLANK = re.compile(r"[^\S\n]*")
_BARE = re.compile(r"[^\n]*")
_REMARK = re.compile(r"(?<!\s)\s+#.*")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = {"'": re.compile(r"'([^']*)'"), "`": re.compile(r"`([^`]*)`"), '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "`": "`"}
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=^~-]*")
_WRITTEN = {"\\": "\\\\", '"': '\\"', "\r": "\\r", "$": "\\$", "`": "\\`"}


@dataclass(frozen=True)
class Line:
    """A variable of a file. number: of the line it begins in, from 1."""

    number: int
    key: str
    value: str


def parse_env(text: str) -> Iterator[Line]:
    """Give the variables in `text`. Raises: Invalid `invalid_env_file`, naming the line and never what stands in it."""
    text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").replace("\r\n", "\n")
    place, number, counted = 0, 1, 0
    while place < len(text):
        if match := _NOTHING.match(text, place):
            place = match.end()
            continue
        number, counted = number + text.count("\n", counted, place), place
        name = _NAME.match(text, place)
        if name is None:
            raise _wrong(number, "is not of the form KEY=value")
        if not _KEY.fullmatch(name[1]):
            raise _wrong(number, "has a name that is none: letters, digits and _, no digit first")
        value, place = _value(text, name.end(), number)
        yield Line(number, name[1], value)


def format_env(pairs: Iterable[tuple[str, str]]) -> str:
    """Return the text of a file that `parse_env` reads as these pairs, and that a shell reads the same way."""
    return "".join(f"{key}={_written(value)}\n" for key, value in pairs)


def _value(text: str, start: int, number: int) -> tuple[str, int]:
    """Return the value that begins at `start`, and where its line ends."""
    blank = _BLANK.match(text, start)
    opening = blank.end() if blank else start
    quote = text[opening : opening + 1]
    if quote not in _QUOTED:
        bare = _BARE.match(text, start)
        end = bare.end() if bare else start
        return _REMARK.sub("", text[start:end]).strip(), end
    match = _QUOTED[quote].match(text, opening)
    if match is None:
        raise _wrong(number, f"has a {quote} without an end")
    rest = _NOTHING.match(text, match.end())
    if rest is None:
        raise _wrong(number, f"has something behind the closing {quote}")
    value = match[1]
    return (_ESCAPE.sub(_unescaped, value) if quote == '"' else value), rest.end()


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[0])


def _written(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value and "\r" not in value:
        return f"'{value}'"
    return '"' + "".join(_WRITTEN.get(letter, letter) for letter in value) + '"'


def _wrong(number: int, fault: str) -> Invalid:
    hint = "Write one KEY=value in a line, and quote what has spaces or #."
    return Invalid("invalid_env_file", f"Line {number} of the file {fault}.", hint=hint,
                   issues=[Issue(f"body.text, line {number}", fault, "env_file")])  # fmt: skip
