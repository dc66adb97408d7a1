"""From the bytes of a file to what is indexed of it. Never raises: a file that cannot be read is indexed by its name."""

import posixpath
import re
from dataclasses import asdict
from typing import Any

from canonry.features.specs.models import CriterionRow, Extract, SectionRow
from canonry.specs.models import Document, Section
from canonry.specs.parser import parse

RULES = "2"
"""Rises when what is extracted changes: everything is then indexed again."""

_LONGEST_TEXT = 200_000  # characters of a document that can be searched
_LONGEST_TITLE = 300
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t](.+)$", re.MULTILINE)
_TOP_HEADING = re.compile(r"^ {0,3}#[ \t](.+)$", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_LINK = re.compile(r"!?\[[^\[\]]{0,300}\]\(<?([^()<>\s]{1,500})>?(?:[ \t]+\"[^\"]{0,300}\")?\)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#")
_MOST_LINKS = 500
_KINDS = {"readme": "readme", "changelog": "changelog", "changes": "changelog", "history": "changelog", "contributing": "contributing",
          "skill": "skill", "plugin": "plugin"}  # fmt: skip
_FOLDERS = {
    "adr": "adr",
    "adrs": "adr",
    "decisions": "adr",
    "runbook": "runbook",
    "runbooks": "runbook",
    "skills": "skill",
    "plugins": "plugin",
}


def doc_type(path: str, *, is_spec: bool) -> str:
    """Return spec, adr, readme, changelog, contributing, runbook, skill, plugin or doc: what a file is by its path."""
    if is_spec:
        return "spec"
    *folders, name = path.lower().split("/")
    stem = name.rpartition(".")[0]
    if stem in _KINDS:
        return _KINDS[stem]
    return next((_FOLDERS[folder] for folder in reversed(folders) if folder in _FOLDERS), "runbook" if "runbook" in stem else "doc")


def extract(path: str, sha: str, content: bytes | None, *, is_spec: bool) -> Extract:
    """Return what is indexed of a file. content: None for one that is too large to be read."""
    kind = doc_type(path, is_spec=is_spec)
    if content is None:
        return Extract(path, sha, kind, is_spec, _name(path), None, "", "", [], None, {}, 1, "", "", "")
    if is_spec:
        return _of_spec(path, sha, kind, parse(content), is_spec=is_spec)
    text = _plain(content.decode(errors="replace"))
    document = parse(content) if text.startswith("---\n") else None
    title = (
        (document.frontmatter.title if document and document.frontmatter.title != "Untitled Spec" else "")
        or _first_heading(text)
        or _name(path)
    )
    return Extract(
        path, sha, kind, is_spec, title[:_LONGEST_TITLE], None, document.frontmatter.owner if document else "",
        document.frontmatter.team if document else "", list(document.frontmatter.tags) if document else [], None, {}, 0,
        "\n".join(_bare(match[1]) for match in _HEADING.finditer(text[:_LONGEST_TEXT])), "", text[:_LONGEST_TEXT], links=_links(path, text),
    )  # fmt: skip


def _of_spec(path: str, sha: str, kind: str, document: Document, *, is_spec: bool) -> Extract:
    front = document.frontmatter
    sections: list[SectionRow] = []
    criteria: list[CriterionRow] = []
    for position, section in enumerate(document.walk()):
        sections.append(_section(position, section))
        for criterion in section.criteria:
            criteria.append(CriterionRow(
                len(criteria), position, criterion.id, _plain(criterion.text), criterion.checked, criterion.strength, criterion.line,
                [{"source": item.source, "path": item.path, "lines": item.lines, "line": item.line} for item in criterion.evidence],
            ))  # fmt: skip
    title = front.title if front.title and front.title != "Untitled Spec" else _first_heading(document.text) or _name(path)
    return Extract(
        path, sha, kind, is_spec, _plain(title)[:_LONGEST_TITLE], front.status, _plain(front.owner), _plain(front.team),
        [_plain(tag) for tag in front.tags], front.review_status, _jsonable(asdict(front)), len(document.diagnostics),
        "\n".join(section.title for section in sections), "\n".join(criterion.text for criterion in criteria),
        _prose(document), sections, criteria, _links(path, document.text),
    )  # fmt: skip


def _prose(document: Document) -> str:
    """Return what is neither heading, criterion nor comment: those are searched as what they are."""
    lines = (line for section in document.walk() for line in section.content.split("\n") if not line.lstrip().startswith(("- [", "<!--")))
    before = document.text.split("\n", 200)[document.body_line - 1 : 200]
    first = next((number for number, line in enumerate(before) if line.startswith("##")), len(before))
    return _plain("\n".join([*before[:first], *lines]))[:_LONGEST_TEXT]


def _section(position: int, section: Section) -> SectionRow:
    ticket = section.ticket
    return SectionRow(
        position, _plain(section.id), section.number, _plain(section.title), section.depth, str(section.status.state),
        section.status.blocked_by, section.start_line, section.end_line, ticket.system if ticket else None, ticket.id if ticket else None,
        ticket.url if ticket else None, _delta(section), len(section.criteria), sum(item.checked for item in section.criteria),
        sum(bool(item.evidence) for item in section.criteria), _plain(section.content),
    )  # fmt: skip


def _delta(section: Section) -> str | None:
    return str(section.delta) if section.delta else None


def _links(path: str, text: str) -> list[tuple[str, int]]:
    """Return the files of the repository that a document links to, with the lines; what is shown as code is no link."""
    found, fence = list[tuple[str, int]](), ""
    if "](" not in text:
        return found
    folder = posixpath.dirname(path)
    for number, line in enumerate(text.split("\n"), 1):
        if match := _FENCE.match(line):
            fence = "" if fence and line.strip().startswith(fence) else fence or match[1]
        elif not fence and "](" in line:
            for match in _LINK.finditer(line[:5000]):
                target = match[1].partition("#")[0].partition("?")[0]
                if target and not _SCHEME.match(match[1]) and len(found) < _MOST_LINKS:
                    resolved = posixpath.normpath(posixpath.join(folder, target) if not target.startswith("/") else target.lstrip("/"))
                    if not resolved.startswith("../") and resolved not in {"..", "."}:
                        found.append((_plain(resolved), number))
    return found


def _first_heading(text: str) -> str:
    return next((heading for match in _TOP_HEADING.finditer(text[:20_000]) if (heading := _bare(match[1]))), "")


def _bare(heading: str) -> str:
    """Return a heading without what may end it; not by the expression, which would try every place for that."""
    return heading.strip(" \t").rstrip(" \t#")


def _name(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0] or path


def _plain(text: str) -> str:
    """Return text that the database can keep."""
    return text.replace("\0", "").encode("utf-8", "replace").decode() if "\0" in text or not text.isascii() else text


def _jsonable(value: Any) -> Any:  # noqa: ANN401 -- what stood in the frontmatter
    if isinstance(value, dict):
        return {str(_jsonable(key)): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_jsonable(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _plain(str(value))
