"""YAML that strangers wrote, read without danger: every scalar stays the text it is, with its line and column.

libyaml dies of 30,000 open brackets, and aliases explode. So: at most 64 KiB, 32 levels, no aliases, and PyYAML's Python parser, which
raises where the C one crashes. It takes 25 ms to import and a millisecond per file, so what nearly every frontmatter consists of (plain and
quoted scalars, lists of them) is read by `read_plain` alone; whatever it is not sure of goes to PyYAML. A test holds the two equal.
"""

import re
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 64 << 10
MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar as text. plain: it was not quoted, so `null` and `true` may be meant as such."""

    text: str
    plain: bool
    line: int
    column: int

    @property
    def is_null(self) -> bool:
        """Nothing, `~` or `null`, not quoted."""
        return self.plain and self.text in {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping, its keys in the order of the text; of a key that stands twice, the last counts and `repeated` holds it."""

    entries: dict[str, "Node"]
    keys: dict[str, tuple[int, int]]
    repeated: tuple[str, ...]
    line: int
    column: int


type Node = Scalar | Sequence | Mapping


class YamlFault(Exception):
    """Why a text could not be read, and where."""

    def __init__(self, message: str, line: int, column: int = 1) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*):(?:[ ]+|$)")
_PLAIN = re.compile(r"(?:[^\W_]|[/.])[\w/.@+()'?!,—–’“” -]*")  # noqa: RUF001 -- what people write in titles
_QUOTED = re.compile(r"\"([ !#-\[\]-~\u00a1-\u2027\u2030-\ud7ff]*)\"|'([ -&(-~\u00a1-\u2027\u2030-\ud7ff]*)'")
_ITEM = re.compile(r"[ ]*- (?=\S)")
_FLOW_ITEM = re.compile(r"[A-Za-z0-9/.][A-Za-z0-9_/.@+-]*")
_LEADING = re.compile(r"[ ]*((?:[-?:][ \t]+)*)")


def read(text: str, first_line: int = 1) -> Node | None:
    """Return the root node of a text, None when there is nothing in it. first_line: the line of the file it begins at.

    Raises: YamlFault.
    """
    found = read_plain(text, first_line)
    if found is not None:
        return found
    return _read_any(text, first_line)


def read_plain(text: str, first_line: int = 1) -> Mapping | None:
    """Return the mapping when the text is of the plain kind, None when PyYAML has to look at it."""
    entries: dict[str, Node] = {}
    keys: dict[str, tuple[int, int]] = {}
    open_key: str | None = None  # `key:` at the end of a line, whose list may follow
    items: list[Node] = []
    for number, line in enumerate(text.split("\n"), first_line):
        if not line.strip(" "):
            continue
        if open_key and (match := _ITEM.match(line)):
            scalar = _scalar(line, match.end(), number)
            if scalar is None or (items and items[0].column != match.end() + 1):
                return None
            items.append(scalar)
            continue
        if open_key:
            entries[open_key] = _close(items, entries[open_key])
        match = _KEY.match(line)
        if match is None or match[1] in entries:
            return None
        key, items = match[1], []
        value = _value(line, match.end(), number)
        if value is None:
            return None
        entries[key], keys[key] = value, (number, 1)
        open_key = key if isinstance(value, Scalar) and value.plain and not value.text else None
    if open_key:
        entries[open_key] = _close(items, entries[open_key])
    return Mapping(entries, keys, (), first_line, 1) if entries else None


def _close(items: list[Node], empty: Node) -> Node:
    return Sequence(tuple(items), items[0].line, items[0].column) if items else empty


def _value(line: str, at: int, number: int) -> Node | None:
    if at < len(line) and line[at] == "[":
        inside = line[at + 1 :].rstrip(" ")
        if not inside.endswith("]"):
            return None
        inside = inside[:-1]
        if not inside.strip(" "):
            return Sequence((), number, at + 1)
        items: list[Node] = []
        column = at + 2
        for part in inside.split(","):
            word = part.strip(" ")
            if not _FLOW_ITEM.fullmatch(word):
                return None
            items.append(Scalar(word, True, number, column + len(part) - len(part.lstrip(" "))))  # noqa: FBT003
            column += len(part) + 1
        return Sequence(tuple(items), number, at + 1)
    return _scalar(line, at, number)


def _scalar(line: str, at: int, number: int) -> Scalar | None:
    rest = line[at:].rstrip(" ")
    if not rest or _PLAIN.fullmatch(rest):
        if rest in {"---", "..."} or (at == 0 and rest.startswith("...")):
            return None
        return Scalar(rest, True, number, at + 1)  # noqa: FBT003
    if match := _QUOTED.fullmatch(rest):
        return Scalar(match[1] if match[1] is not None else match[2], False, number, at + 1)  # noqa: FBT003
    return None


def _read_any(text: str, first_line: int) -> Node | None:
    _guard(text, first_line)
    import yaml  # noqa: PLC0415 -- 25 ms, and rarely needed

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column + 1) if mark else (0, 1)
        raise YamlFault(
            f"This is no YAML: {error.problem or error.context}{_begun(error, line, first_line)}.", first_line + line, column
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise YamlFault(f"This is no YAML: {str(error).splitlines()[0] if str(error) else 'it cannot be read'}.", first_line) from None
    return None if root is None else _convert(root, first_line, set(), 0)


def _begun(error: Any, line: int, first_line: int) -> str:  # noqa: ANN401 -- PyYAML's error
    """Say where that began which the parser was in, when it was a line above."""
    mark = error.context_mark
    if mark is None or not error.problem or mark.line >= line:
        return ""
    what = str(error.context or "").removeprefix("while parsing ").removeprefix("while scanning ")
    return f" ({what} begins in line {first_line + mark.line})"


def _guard(text: str, first_line: int) -> None:
    if len(text) > MAX_BYTES:
        raise YamlFault(f"This is longer than the {MAX_BYTES >> 10} KiB that are read.", first_line)
    depth = 0
    for number, line in enumerate(text.split("\n"), first_line):
        lead = _LEADING.match(line)
        if lead and len(lead[1].split()) > MAX_DEPTH:
            raise YamlFault(f"This is nested deeper than {MAX_DEPTH} levels.", number)
        for at, character in enumerate(line, 1):
            if character in "[{":
                depth += 1
                if depth > MAX_DEPTH:
                    raise YamlFault(f"This is nested deeper than {MAX_DEPTH} levels.", number, at)
            elif character in "]}" and depth:
                depth -= 1


def _convert(node: Any, first_line: int, seen: set[int], depth: int) -> Node:  # noqa: ANN401 -- PyYAML's nodes
    line, column = first_line + node.start_mark.line, node.start_mark.column + 1
    if id(node) in seen:
        raise YamlFault("Aliases (`*name`) are not read.", line, column)
    if depth > MAX_DEPTH:
        raise YamlFault(f"This is nested deeper than {MAX_DEPTH} levels.", line, column)
    seen.add(id(node))
    if node.id == "scalar":
        return Scalar(node.value, node.style is None, line, column)
    if node.id == "sequence":
        return Sequence(tuple(_convert(item, first_line, seen, depth + 1) for item in node.value), line, column)
    entries: dict[str, Node] = {}
    keys: dict[str, tuple[int, int]] = {}
    repeated = []
    for key, value in node.value:
        at = first_line + key.start_mark.line, key.start_mark.column + 1
        if key.id != "scalar":
            raise YamlFault("A key has to be a word.", *at)
        if id(key) in seen:
            raise YamlFault("Aliases (`*name`) are not read.", *at)
        seen.add(id(key))
        if key.value in entries:
            repeated.append(key.value)
        entries[key.value], keys[key.value] = _convert(value, first_line, seen, depth + 1), at
    return Mapping(entries, keys, tuple(repeated), line, column)


def plain(node: Node | None) -> Any:  # noqa: ANN401 -- JSON, whatever it is
    """Return a node as strings, None, lists and dicts."""
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return None
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, value in node.entries.items()}
