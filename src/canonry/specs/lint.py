"""What `lint` says of a document beside what the parser found, and of documents together."""

from collections.abc import Iterable, Mapping

from canonry.specs.boxes import near_boxes
from canonry.specs.models import Diagnostic, Document, Severity, State

_UNREAD = {"frontmatter.yaml", "frontmatter.unclosed", "frontmatter.too_large"}


def lint(document: Document) -> list[Diagnostic]:
    """Return everything that is wrong with a document, in the order of its lines."""
    found = list(document.diagnostics)
    if not any(item.rule.startswith("file.") and item.rule != "file.encoding" for item in found):
        found += [*_fields(document, {item.rule for item in found}), *_sections(document), *near_boxes(document)]
    return sorted(found, key=lambda item: (item.line, item.column))


def unresolved(depends_on: Iterable[str], stems: Iterable[str] | Mapping[str, object]) -> list[Diagnostic]:
    """Return a warning for each document that is depended on and is none of these. stems: file names without folders and ending."""
    known = stems if isinstance(stems, (set, frozenset, Mapping)) else set(stems)
    return [
        Diagnostic("depends_on.unresolved", Severity.WARNING, f"It depends on `{name}`, and there is no such spec.",
                   "Name a spec by its file name, or take the entry out.", 1)
        for name in depends_on if stem_of(name) not in known
    ]  # fmt: skip


def stem_of(path: str) -> str:
    """Return a file name without folders and without `.md`."""
    return path.rpartition("/")[2].removesuffix(".md")


def _fields(document: Document, complained: set[str]) -> list[Diagnostic]:
    if complained & _UNREAD:
        return []  # what it says nobody knows; first it has to be read
    frontmatter = document.frontmatter
    values = {"owner": frontmatter.owner, "team": frontmatter.team, "created": frontmatter.created, "updated": frontmatter.updated}
    return [
        Diagnostic(f"frontmatter.{name}", Severity.WARNING, f"There is no `{name}`.", f"Add `{name}: …` to the frontmatter.", 1)
        for name, value in values.items() if not value and f"frontmatter.{name}" not in complained
    ]  # fmt: skip


def _sections(document: Document) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    seen: dict[str, int] = {}
    for section in document.walk():
        number = section.number
        if number is None:
            found.append(
                Diagnostic(
                    "section.numbering",
                    Severity.WARNING,
                    f"`{section.title}` has no number, so it cannot be linked to a ticket.",
                    "Write `## 1. Title`.",
                    section.start_line,
                )
            )
        elif number in seen:
            found.append(Diagnostic("section.numbering", Severity.WARNING, f"The number {number} stands in line {seen[number]}, too.",
                                    "Give each section a number of its own.", section.start_line))  # fmt: skip
        else:
            seen[number] = section.start_line
        found += [
            Diagnostic("section.numbering", Severity.WARNING, f"Section {child.number} lies in section {number}.",
                       f"Number it {number}.n.", child.start_line)
            for child in section.children if number and child.number and not child.number.startswith(f"{number}.")
        ]  # fmt: skip
        if not section.criteria and not section.children and section.status.state in {State.TO_DO, State.IN_PROGRESS}:
            found.append(Diagnostic("ac.missing", Severity.WARNING, f"`{section.heading}` is {section.status.state} and has no criteria.",
                                    "Add lines like `- [ ] The … MUST …`.", section.start_line))  # fmt: skip
    return found
