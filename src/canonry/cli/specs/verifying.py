"""`canonry spec verify`: what speaks for each criterion, found without running anything."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from canonry.cli.arguments import option
from canonry.cli.output import print_json, say
from canonry.cli.specs.checkout import Checkout, matching
from canonry.cli.specs.library import Library
from canonry.cli.specs.options import AsJson, Spec, State, print_lines
from canonry.core.errors import CanonryError, Invalid
from canonry.specs.identity import words_of
from canonry.specs.lint import stem_of

_MAX_FILE = 1 << 20
_SHARE = 0.6
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]{2,}|\d+")
_NO_SOURCE = (".md", ".lock", ".svg", ".png", ".ico", ".woff2", ".json", ".txt")


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion and what speaks for it. state: proved, evidence, broken, likely, not_started or unknown. where: files."""

    path: str
    section: str
    criterion: dict[str, Any]
    state: str
    where: list[str]


def verify(
    section: Annotated[str | None, option("--section", metavar="SECTION", help="Only this section: id, number or part of the id.")] = None,
    spec: Spec = None,
    state: State = None,
    gate: Annotated[bool, option("--gate", help="End with 1 when a criterion is not ticked.")] = False,
    proof: Annotated[
        bool, option("--proof", help="End with 1 when a ticked criterion has no test or evidence, or a test names none.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Say what speaks for each criterion.

    proved: a file that is no spec names it as `<spec>#<id>`, as a test does. evidence: a realized-in line leads to a file that is here;
    broken: to one that is not. likely: its words stand together in a source file. not_started: they do not. unknown: it has too few words.
    """
    library = Library(Checkout.find())
    paths = matching(library.paths(), spec) if spec is not None else library.paths()
    scope = list(_scope(library, paths, section, state))
    if section is not None and not scope:
        raise Invalid("section_not_found", f"No section fits `{section}`.", hint="`canonry spec tasks --all` lists them.")
    sources = _Sources(library)
    judged = [_judge(library.checkout, sources, path, name, item) for path, name, item in scope]
    unchecked = [item for item in judged if not item.criterion["checked"]]
    unproved = [item for item in judged if item.criterion["checked"] and item.state not in {"proved", "evidence"}]
    strays = sources.strays(library) if proof else []
    failed = (gate and bool(unchecked)) or (proof and bool(unproved or strays))
    if as_json:
        print_json({"passed": not failed, "unchecked": len(unchecked), "unproved": len(unproved), "unknown_marks": strays,
                    "criteria": [_json(item) for item in judged]})  # fmt: skip
        return int(failed)
    shown = [*(unchecked if gate else ()), *(unproved if proof else ())] if gate or proof else judged
    print_lines(_line(item) for item in shown)
    print_lines(f"{path}: names {mark}, which is no criterion" for mark, path in strays)
    ticked = len(judged) - len(unchecked)
    say(f"{len(judged)} criteria: {ticked} ticked, {sum(item.state == 'proved' for item in judged)} named by tests, "
        f"{len(unproved)} ticked without proof.")  # fmt: skip
    return int(failed)


def _scope(library: Library, paths: list[str], section: str | None, state: str | None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, sections in library.sections(paths):
        for item in sections:
            fits = section is None or section in {item["id"], item["number"]} or section.casefold() in item["id"]
            if fits and (state is None or item["status"] == state):
                for criterion in item["acceptance_criteria"]:
                    yield path, item["id"], criterion


class _Sources:
    """The text files that are no specs: which marks they hold, and which words."""

    def __init__(self, library: Library) -> None:
        self.marks: dict[str, list[str]] = defaultdict(list)
        self.words: dict[str, set[int]] = defaultdict(set)
        self.files: list[str] = []
        stems = {stem_of(path) for path in library.paths()}
        mark = (
            re.compile(rf"(?<![\w/-])({'|'.join(map(re.escape, sorted(stems, key=len, reverse=True)))})#([A-Za-z0-9][\w.-]*[A-Za-z0-9])")
            if stems
            else None
        )
        specs = set(library.paths())
        for path in _source_files(library.checkout):
            if path in specs or path.endswith(_NO_SOURCE):
                continue
            text = _read(library.checkout, path)
            if text is None:
                continue
            for match in mark.finditer(text) if mark else ():
                self.marks[match[0]].append(path)
            number = len(self.files)
            self.files.append(path)
            for word in set(_WORD.findall(text)):
                self.words[word.casefold()].add(number)

    def strays(self, library: Library) -> list[tuple[str, str]]:
        """Marks that name no criterion, with the file."""
        known = {
            f"{stem_of(path)}#{item['id']}"
            for path, sections in library.sections()
            for part in sections
            for item in part["acceptance_criteria"]
        }
        return sorted((mark, paths[0]) for mark, paths in self.marks.items() if mark not in known)

    def likely(self, text: str) -> list[str] | None:
        """The files most of the words stand in, None when the text has too few words to tell."""
        wanted = {word for word in words_of(text) if len(word) > 3}
        if len(wanted) < 2:
            return None
        hits: dict[int, int] = defaultdict(int)
        for word in wanted:
            for number in self.words.get(word, set()) | self.words.get(f"{word}s", set()):
                hits[number] += 1
        best = sorted(hits, key=lambda number: (-hits[number], number))[:3]
        return [self.files[number] for number in best if hits[number] >= _SHARE * len(wanted)]


def _judge(checkout: Checkout, sources: _Sources, path: str, section: str, criterion: dict[str, Any]) -> Judged:
    if marked := sources.marks.get(f"{stem_of(path)}#{criterion['id']}"):
        return Judged(path, section, criterion, "proved", sorted(set(marked)))
    if criterion["evidence"]:
        missing = [item["path"] for item in criterion["evidence"] if not _leads_to_a_file(checkout, item)]
        return Judged(
            path, section, criterion, "broken" if missing else "evidence", missing or [item["path"] for item in criterion["evidence"]]
        )
    likely = sources.likely(criterion["text"])
    return Judged(path, section, criterion, "unknown" if likely is None else "likely" if likely else "not_started", likely or [])


def _leads_to_a_file(checkout: Checkout, evidence: dict[str, Any]) -> bool:
    path = (checkout.root / evidence["path"]).resolve()
    if not path.is_relative_to(checkout.root) or not path.is_file():
        return False
    last = int(str(evidence["lines"]).rpartition("-")[2]) if evidence["lines"] else 0
    return last == 0 or last <= path.read_bytes().count(b"\n") + 1


def _source_files(checkout: Checkout) -> list[str]:
    from canonry.cli.specs.commits import run_git

    if checkout.git is not None:
        try:
            out = run_git(checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
            return [path for path in out.decode(errors="surrogateescape").split("\0") if path]
        except CanonryError:
            pass
    return sorted(str(path.relative_to(checkout.root)) for path in checkout.root.rglob("*") if path.is_file() and not path.is_symlink())


def _read(checkout: Checkout, path: str) -> str | None:
    file = checkout.root / path
    try:
        if file.is_symlink() or file.stat().st_size > _MAX_FILE:
            return None
        content = file.read_bytes()
    except OSError:
        return None
    return None if b"\0" in content else content.decode(errors="replace")


def _line(item: Judged) -> str:
    tick = "x" if item.criterion["checked"] else " "
    where = f" ({', '.join(item.where)})" if item.where else ""
    return f"{item.path}:{item.criterion['line']}: [{tick}] {item.criterion['text']} {{#{item.criterion['id']}}}: {item.state}{where}"


def _json(item: Judged) -> dict[str, Any]:
    criterion = item.criterion
    return {"path": item.path, "line": criterion["line"], "section_id": item.section, "id": criterion["id"], "text": criterion["text"],
            "strength": criterion["strength"], "checked": criterion["checked"], "state": item.state, "where": item.where}  # fmt: skip
