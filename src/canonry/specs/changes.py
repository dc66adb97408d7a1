"""What changed between two versions of a document, section by section and criterion by criterion, and the history that follows from it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from canonry.specs.identity import carry, words_of
from canonry.specs.models import Criterion, Document, Section
from canonry.specs.parser import parse, slug_of

_LIKENESS = 0.5
_PAIRS = 40_000


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different.

    subject: `document`, `section` or `criterion`. id: of the section or criterion, as it was first called. what: `added`, `removed`, or
    which part changed (`title`, `status`, `text`, `ticket`, `delta`, `moved`, `strength`, `checked`, `evidence`, a field of the
    frontmatter).
    line: in the new version, in the old one when it was removed.
    """

    subject: str
    id: str
    what: str
    before: str | None
    after: str | None
    line: int
    section: str | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """A document as a commit left it. content: None when the commit removed the file. when: ISO 8601."""

    commit: str
    author: str
    when: str
    message: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What one commit did to what is asked for, and what it said afterwards (None when it is gone)."""

    commit: str
    author: str
    when: str
    message: str
    changes: tuple[Change, ...]
    says: str | None


def compare(old: Document | None, new: Document | None) -> list[Change]:
    """Return what changed, in the order of the new document, what was removed at the end. None: there is no such document."""
    return list(_compare(old or _EMPTY, new or _EMPTY))


def history(versions: Iterable[Version], wanted: str | None = None) -> list[Entry]:
    """Return the commits that changed a section or a criterion, the oldest first; without `wanted`, those that changed anything.

    wanted: the id of a section or criterion as it is called in the last version, or a section's number. It is followed back through
    rewordings. versions: of one file, the oldest first.
    """
    steps: list[tuple[Version, Document, list[Change]]] = []
    documents = [(version, parse(version.content) if version.content is not None else _EMPTY) for version in versions]
    before = _EMPTY
    for version, document in documents:
        steps.append((version, document, list(_compare(before, document))))
        before = document
    names = _names_back([document for _, document in documents], wanted) if wanted is not None else None
    found = []
    for at, (version, document, changes) in enumerate(steps):
        about = changes if names is None else [c for c in changes if _is_about(c, names[at], names[at - 1] if at else None)]
        if about:
            says = None if names is None else _says(document, names[at])
            found.append(Entry(version.commit, version.author, version.when, version.message, tuple(about), says))
    return found


_EMPTY = replace(parse("---\ntitle: none\n---\n"), text="")
_FIELDS = (
    "title",
    "status",
    "type",
    "owner",
    "team",
    "tags",
    "depends_on",
    "supersedes",
    "review_status",
    "sync",
    "ai_exposure",
    "ticket_project",
)


def _compare(old: Document, new: Document) -> Iterator[Change]:
    if old is not _EMPTY and new is not _EMPTY:
        for name in _FIELDS:
            was, now = getattr(old.frontmatter, name), getattr(new.frontmatter, name)
            if was != now:
                yield Change("document", name, name, _shown(was), _shown(now), 1)
    sections = _pair_sections(list(old.walk()), list(new.walk()))
    previous = {section.id: section for section in old.walk()}
    for section in new.walk():
        was = previous.get(sections.get(section.id, ""))
        if was is None:
            yield Change("section", section.id, "added", None, section.heading, section.start_line)
        else:
            yield from _section(was, section)
    yield from _criteria(old, new, sections)
    kept = set(sections.values())
    for section in old.walk():
        if section.id not in kept:
            yield Change("section", section.id, "removed", section.heading, None, section.start_line)


def _section(old: Section, new: Section) -> Iterator[Change]:
    parts = (
        ("title", old.heading, new.heading),
        ("status", str(old.status), str(new.status)),
        ("ticket", _ticket(old), _ticket(new)),
        ("delta", old.delta.kind if old.delta else None, new.delta.kind if new.delta else None),
        ("text", prose(old), prose(new)),
    )
    for what, was, now in parts:
        if was != now:
            yield Change("section", new.id, what, was, now, new.start_line)


def _criteria(old: Document, new: Document, sections: dict[str, str]) -> Iterator[Change]:
    before, after = dict(_by_id(old)), dict(_by_id(new))
    pairs = carry([criterion for _, criterion in before.values()], [criterion for _, criterion in after.values()])
    for name, (section, criterion) in after.items():
        if name not in pairs:
            yield Change("criterion", name, "added", None, criterion.text, criterion.line, section.id)
            continue
        was_in, was = before[pairs[name]]
        parts = (
            ("text", was.text, criterion.text),
            ("strength", was.strength, criterion.strength),
            ("checked", _mark(was), _mark(criterion)),
            ("evidence", _evidence(was), _evidence(criterion)),
            ("moved", was_in.id, section.id if sections.get(section.id) != was_in.id else was_in.id),
        )
        for what, old_value, new_value in parts:
            if old_value != new_value:
                yield Change("criterion", name, what, old_value, new_value, criterion.line, section.id)
    kept = set(pairs.values())
    for name, (section, criterion) in before.items():
        if name not in kept:
            yield Change("criterion", name, "removed", criterion.text, None, criterion.line, section.id)


def _pair_sections(old: list[Section], new: list[Section]) -> dict[str, str]:
    """Return new id → old id: the same id, else the same title, the same number, or half of the words of heading and text."""
    pairs = {section.id: section.id for section in new if section.id in {item.id for item in old}}
    for alike in (_same_title, _same_number, _alike):
        taken = set(pairs.values())
        gone = [section for section in old if section.id not in taken]
        come = [section for section in new if section.id not in pairs]
        if alike is _alike and len(gone) * len(come) > _PAIRS:
            break
        for section in come:
            match = next((item for item in gone if item.id not in taken and alike(item, section)), None)
            if match is not None:
                pairs[section.id] = match.id
                taken.add(match.id)
    return pairs


def _same_title(old: Section, new: Section) -> bool:
    return slug_of(old.title) == slug_of(new.title)


def _same_number(old: Section, new: Section) -> bool:
    return old.number is not None and old.number == new.number and _alike(old, new)


def _alike(old: Section, new: Section) -> bool:
    was, now = (set(words_of(f"{section.title} {section.content}")) for section in (old, new))
    return 2 * len(was & now) / (len(was) + len(now)) >= _LIKENESS


def _names_back(documents: list[Document], wanted: str) -> list[tuple[str | None, str | None]]:
    """Return (section id, criterion id) of what is asked for in each version, None where it was not."""
    last = next((document for document in reversed(documents) if document is not _EMPTY), _EMPTY)
    section = next((item.id for item in last.walk() if wanted in {item.id, item.number}), None)
    criterion = None if section else wanted
    names: list[tuple[str | None, str | None]] = []
    newer: Document | None = None
    for document in reversed(documents):
        if document is not _EMPTY:
            if newer is not None and criterion is not None:
                pairs = carry([item for _, item in document.criteria()], [item for _, item in newer.criteria()])
                criterion = pairs.get(criterion)
            if newer is not None and section is not None:
                section = _pair_sections(list(document.walk()), list(newer.walk())).get(section)
            newer = document
        names.append((section, criterion) if document is not _EMPTY else (None, None))
    return names[::-1]


def _is_about(change: Change, now: tuple[str | None, str | None], before: tuple[str | None, str | None] | None) -> bool:
    names = before if change.what == "removed" and before else now
    if change.subject == "criterion":
        return change.id == names[1] or (names[0] is not None and change.section == names[0])
    return change.subject == "section" and change.id == names[0]


def _says(document: Document, names: tuple[str | None, str | None]) -> str | None:
    for section in document.walk():
        if section.id == names[0]:
            return f"{section.heading} ({section.status})"
        for criterion in section.criteria:
            if criterion.id == names[1]:
                return f"[{_mark(criterion)}] {criterion.text}"
    return None


def prose(section: Section) -> str:
    """Return the text of a section up to its heading Acceptance Criteria, without the comments of ours and blank edges."""
    kept = []
    for line in section.content.split("\n"):
        bare = line.strip()
        if bare == "### Acceptance Criteria":
            break
        if not bare.startswith(("<!-- canon:", "<!-- specwright:", "<!--canon:", "<!--specwright:")):
            kept.append(line)
    return "\n".join(kept).strip("\n")


def _by_id(document: Document) -> Iterator[tuple[str, tuple[Section, Criterion]]]:
    for section, criterion in document.criteria():
        yield criterion.id, (section, criterion)


def _mark(criterion: Criterion) -> str:
    return "x" if criterion.checked else " "


def _evidence(criterion: Criterion) -> str:
    return ", ".join(f"{item.source} {item.path}{f':{item.lines}' if item.lines else ''}" for item in criterion.evidence)


def _ticket(section: Section) -> str | None:
    return f"{section.ticket.system}:{section.ticket.id}" if section.ticket else None


def _shown(value: object) -> str | None:
    return ", ".join(value) if isinstance(value, tuple) else None if value is None else str(value)
