"""The frontmatter: which fields there are, what they may say, and what becomes of what they may not."""

import re
from collections.abc import Callable
from typing import Any

from canonry.specs import yaml_text
from canonry.specs.models import Diagnostic, Frontmatter, Severity
from canonry.specs.yaml_text import Mapping, Node, Scalar, Sequence

STATES = ("draft", "todo", "in_progress", "done", "blocked", "deprecated")
TYPES = ("spec", "proposal", "design", "adr")
REVIEWS = ("draft", "in_review", "approved")
EXPOSURES = ("full", "metadata", "none")
MAX_CHARACTERS = 16 << 10
_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_TRUE, _FALSE = {"true", "yes", "on"}, {"false", "no", "off"}
_UNSET = object()


def read_frontmatter(text: str, first_line: int) -> tuple[Frontmatter, list[Diagnostic]]:
    """Return the frontmatter of the text between the `---` lines and what is wrong with it. first_line: the line the text begins at."""
    reader = _Reader([])
    if len(text) > MAX_CHARACTERS:
        reader.complain("frontmatter.too_large", Severity.ERROR, f"The frontmatter is longer than {MAX_CHARACTERS >> 10} KiB.",
                        "Move text below the closing ---.", first_line)  # fmt: skip
        return Frontmatter(), reader.diagnostics
    try:
        root = yaml_text.read(text, first_line)
    except yaml_text.YamlFault as fault:
        reader.complain("frontmatter.yaml", Severity.ERROR, fault.message, "Write `key: value` lines; quote a value with special signs.",
                        fault.line, fault.column)  # fmt: skip
        return Frontmatter(), reader.diagnostics
    if root is None:
        root = Mapping({}, {}, (), first_line, 1)
    if not isinstance(root, Mapping):
        reader.complain("frontmatter.yaml", Severity.ERROR, "The frontmatter is no list of fields.", "Write `key: value` lines.",
                        root.line, root.column)  # fmt: skip
        return Frontmatter(), reader.diagnostics
    return _frontmatter(root, reader), reader.diagnostics


def _frontmatter(root: Mapping, reader: "_Reader") -> Frontmatter:
    values: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for name, node in root.entries.items():
        field = _FIELDS.get(name)
        if field is None:
            other[name] = yaml_text.plain(node)
        elif (value := field(reader, name, node)) is not _UNSET:
            values[name] = value
    for name in root.repeated:
        line, column = root.keys[name]
        reader.complain(
            "frontmatter.repeated", Severity.WARNING, f"`{name}` stands twice; the last one counts.", "Remove one.", line, column
        )
    if not values.get("title"):
        line = root.keys["title"][0] if "title" in root.keys else root.line
        values.pop("title", None)
        reader.complain("frontmatter.title", Severity.ERROR, "There is no title.", "Add `title: …`.", line)
    return Frontmatter(**values, other=other)


class _Reader:
    """Reads single fields and collects what is wrong with them."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics

    def complain(self, rule: str, severity: Severity, message: str, hint: str, line: int, column: int = 1) -> None:
        self.diagnostics.append(Diagnostic(rule, severity, message, hint, line, column))

    def text(self, name: str, node: Node) -> object:
        """A string; null gives the default."""
        if isinstance(node, Scalar):
            return _UNSET if node.is_null else node.text.strip()
        self.wrong(name, node, "has to be a text", "")
        return _UNSET

    def texts(self, name: str, node: Node) -> object:
        """A list of strings, or one string with commas."""
        if isinstance(node, Scalar):
            return _UNSET if node.is_null else tuple(part.strip() for part in node.text.split(",") if part.strip())
        if isinstance(node, Sequence):
            found = []
            for item in node.items:
                if isinstance(item, Scalar) and not item.is_null and item.text.strip():
                    found.append(item.text.strip())
                else:
                    self.wrong(name, item, "has an entry that is no text", "")
            return tuple(found)
        self.wrong(name, node, "has to be a list", f"Write `{name}: [one, two]`.")
        return _UNSET

    def status(self, name: str, node: Node) -> object:
        """One of the states; another word is kept, with a warning."""
        found = self.text(name, node)
        if found is not _UNSET and found not in STATES:
            self.wrong(name, node, f"is `{found}`, which is no state", f"Use one of {', '.join(STATES)}.")
        return found or _UNSET

    def date(self, name: str, node: Node) -> object:
        """A day as YYYY-MM-DD."""
        found = self.text(name, node)
        if found is _UNSET or (isinstance(found, str) and _DATE.fullmatch(found)):
            return found
        self.wrong(name, node, f"is `{found}`, which is no day", "Write it like 2026-11-25.", rule=f"frontmatter.{name}")
        return _UNSET

    def sync(self, name: str, node: Node) -> object:
        """One of auto, true, false; YAML's booleans count."""
        found = self.text(name, node)
        word = str(found).lower()
        if found is _UNSET or word == "auto":
            return found
        if word in _TRUE | _FALSE:
            return "true" if word in _TRUE else "false"
        self.wrong(name, node, f"is `{found}`", "Use auto, true or false.")
        return _UNSET

    def exposure(self, name: str, node: Node) -> object:
        """One of full, metadata, none; anything else is an error, because it may hide less than its author thinks."""
        found = self.text(name, node)
        if found is _UNSET or found in EXPOSURES:
            return found
        self.wrong(name, node, f"is `{found}`", "Use full, metadata or none.", severity=Severity.ERROR)
        return _UNSET

    def wrong(self, name: str, node: Node, what: str, hint: str, *, severity: Severity = Severity.WARNING, rule: str = "") -> None:
        self.complain(rule or f"frontmatter.{name}", severity, f"`{name}` {what}.", hint, node.line, node.column)


def _one_of(words: tuple[str, ...]) -> Callable[[_Reader, str, Node], object]:
    def read(reader: _Reader, name: str, node: Node) -> object:
        found = reader.text(name, node)
        if found is _UNSET or found in words:
            return found
        reader.wrong(name, node, f"is `{found}`", f"Use one of {', '.join(words)}.")
        return _UNSET

    return read


_FIELDS: dict[str, Callable[[_Reader, str, Node], object]] = {
    "title": _Reader.text,
    "status": _Reader.status,
    "type": _one_of(TYPES),
    "owner": _Reader.text,
    "team": _Reader.text,
    "ticket_project": _Reader.text,
    "created": _Reader.date,
    "updated": _Reader.date,
    "tags": _Reader.texts,
    "depends_on": _Reader.texts,
    "supersedes": _Reader.text,
    "review_status": _one_of(REVIEWS),
    "sync": _Reader.sync,
    "ai_exposure": _Reader.exposure,
}
