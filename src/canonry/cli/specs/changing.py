"""`canonry spec new`, `start` and `done`: they write into one file and change no other line of it."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import print_json, say, warn
from canonry.cli.specs.checkout import Checkout, matching
from canonry.cli.specs.library import Library
from canonry.cli.specs.options import AsJson, SectionWord, Spec
from canonry.core.errors import CanonryError, Conflict, Invalid, NotFound
from canonry.specs import Section, parse
from canonry.specs.comments import SYSTEMS
from canonry.specs.edits import add_evidence, set_checked, set_status, set_ticket
from canonry.specs.templates import file_name, new_document

_TICKET = re.compile(r"(?:([a-z]+):)?([^\s:]+)")
_NUMBER = re.compile(r"(?:(?:[\w.-]+/)?[\w.-]+#)?\d+")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*-\d+")
_EVIDENCE = re.compile(r"(PR#\d+|audit)[ ]+(?:file:)?(.+?)(?::(\d+(?:-\d+)?))?")


def new(
    title: Annotated[str, option("--title", "-t", metavar="TITLE", help="The title.")],
    kind: Annotated[str, option("--type", metavar="TYPE", help="spec, proposal, design or adr.")] = "spec",
    owner: Annotated[str | None, option("--owner", metavar="NAME", help="Who answers for it; without it, git's user.name.")] = None,
    team: Annotated[str, option("--team", metavar="TEAM", help="The team.")] = "",
    output: Annotated[
        Path | None, option("--output", "-o", metavar="FILE", help="The file; without it, named by the title where specs lie.")
    ] = None,
    force: Annotated[bool, option("--force", help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a new spec from the template of its type."""
    checkout = Checkout.find()
    text = new_document(
        title, kind=kind, owner=_user(checkout) if owner is None else owner, team=team, today=datetime.now(UTC).date().isoformat()
    )
    library = Library(checkout)
    path = output if output is not None else checkout.root / _folder(library) / file_name(title)
    if path.exists() and not force:
        raise Conflict("spec_exists", f"{path} is there already.", hint="Choose another --title or --output, or --force to replace it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid("unwritable_file", f"{path.parent} cannot be made: {error.strerror}.", hint="Choose another --output.") from error
    Checkout(path.parent.resolve(), None).write(path.name, text.encode())
    shown = _below(path, checkout.root)
    if as_json:
        print_json({"path": shown, "title": title, "type": kind})
    else:
        print(shown)
    if shown not in Library(checkout).paths():
        warn(f"CANON.yaml names only {', '.join(library.config['doc_paths'])}, so it does not count as a spec there.")


def start(
    section: SectionWord,
    issue: Annotated[
        str | None, option("--issue", metavar="TICKET", help="Link a ticket: canonry:PAY-7, jira:PAY-7, linear:ENG-1 or github:42.")
    ] = None,
    spec: Spec = None,
    as_json: AsJson = False,
) -> None:
    """Mark a section as in progress."""
    checkout, path, found = _find(section, spec)
    content = set_status(checkout.read(path), found.id, "in_progress")
    if issue is not None:
        system, ticket = _ticket(issue, checkout)
        content = set_ticket(content, found.id, system=system, ticket=ticket)
    checkout.write(path, content)
    _tell(path, found, "in_progress", as_json=as_json)


def done(
    section: Annotated[str, argument("SECTION", help="A section as for start, or the id of a criterion, which is ticked.")],
    evidence: Annotated[
        str | None, option("--evidence", metavar="EVIDENCE", help="For a criterion, what shows it: 'PR#12 src/a.py:3-9' or 'audit FILE'.")
    ] = None,
    spec: Spec = None,
    as_json: AsJson = False,
) -> None:
    """Mark a section as done, or tick a criterion."""
    checkout = Checkout.find()
    for path in _paths(checkout, spec):
        content = checkout.read(path)
        if section.encode() in content or section.startswith("ac-"):
            criterion = next((item for _, item in parse(content).criteria() if item.id == section), None)
            if criterion is not None:
                content = set_checked(content, criterion.id)
                if evidence is not None:
                    match = _EVIDENCE.fullmatch(evidence.strip())
                    if match is None:
                        raise Invalid("evidence", f"`{evidence}` is no evidence.", hint="Write it like 'PR#12 src/a.py:3-9'.")
                    content = add_evidence(content, criterion.id, source=match[1], path=match[2], lines=match[3])
                checkout.write(path, content)
                if as_json:
                    print_json({"path": path, "criterion": criterion.id, "checked": True, "line": criterion.line})
                else:
                    print(f"{path}:{criterion.line}: [x] {criterion.text}")
                return
    if evidence is not None:
        raise Invalid("evidence", f"`{section}` is no criterion, and evidence belongs to one.", hint="Name a criterion by its id.")
    checkout, path, found = _find(section, spec)
    checkout.write(path, set_status(checkout.read(path), found.id, "done"))
    _tell(path, found, "done", as_json=as_json)
    open_criteria = [criterion for criterion in found.criteria if not criterion.checked]
    if open_criteria:
        warn(f"{len(open_criteria)} of its {len(found.criteria)} criteria are not ticked.")


def _ticket(issue: str, checkout: Checkout) -> tuple[str, str]:
    """Return system and id of a ticket. Without a system it is that of CANON.yaml, or GitHub for a number. Raises: Invalid `ticket`."""
    match = _TICKET.fullmatch(issue)
    is_number = match is not None and _NUMBER.fullmatch(match[2]) is not None
    system = match and (match[1] or Library(checkout).config["ticket_system"] or ("github" if is_number else None))
    fits = {"github": _NUMBER}.get(system or "", _KEY)
    if match is None or system not in SYSTEMS or not fits.fullmatch(match[2]):
        raise Invalid(
            "ticket", f"`{issue}` is no ticket.", hint="Write it with its system: canonry:PAY-7, jira:PAY-7, linear:ENG-1 or github:42."
        )
    return system, match[2]


def _find(wanted: str, spec: str | None) -> tuple[Checkout, str, Section]:
    """Return the first section in the order of the files that is meant: by its id, else by its number, else by a part of its id."""
    checkout = Checkout.find()
    sections = [(path, section) for path in _paths(checkout, spec) for section in parse(checkout.read(path)).walk()]
    for path, section in sections:
        if section.id == wanted:
            return checkout, path, section
    for path, section in sections:
        if section.number == wanted.rstrip("."):
            return checkout, path, section
    for path, section in sections:
        if wanted and wanted.casefold() in section.id:
            return checkout, path, section
    raise NotFound("section_not_found", f"No spec has a section `{wanted}`.", hint="`canonry spec tasks --all` lists them.")


def _paths(checkout: Checkout, spec: str | None) -> list[str]:
    paths = Library(checkout).paths()
    return matching(paths, spec) if spec is not None else paths


def _folder(library: Library) -> str:
    from canonry.specs.globs import Glob

    return Glob(library.config["doc_paths"][0]).folder


def _user(checkout: Checkout) -> str:
    from canonry.cli.specs.commits import run_git

    try:
        return run_git(checkout, "config", "user.name").decode(errors="replace").strip()
    except CanonryError:
        return ""


def _below(path: Path, root: Path) -> str:
    absolute = path.resolve()
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else str(path)


def _tell(path: str, section: Section, state: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"path": path, "section_id": section.id, "status": state, "line": section.start_line})
    else:
        say(f"{path}:{section.start_line}: {section.heading} is {state}.")
