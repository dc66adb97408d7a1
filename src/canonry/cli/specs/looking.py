"""`canonry spec lint`, `status`, `tasks`, `search` and `export`: what the specs of a checkout say."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from canonry.cli.arguments import option, words
from canonry.cli.output import print_json, print_table, say
from canonry.cli.specs.checkout import Checkout, matching
from canonry.cli.specs.library import Library
from canonry.cli.specs.options import AsJson, Cached, Spec, State, diagnostic_json, diagnostic_line, percent, print_lines
from canonry.cli.specs.records import Summary
from canonry.core.errors import Invalid
from canonry.specs.measures import total

_OPEN = ("todo", "in_progress", "blocked")
_STATES = ("draft", "todo", "in_progress", "blocked", "done", "deprecated")


def lint(
    spec: Spec = None,
    warnings_as_errors: Annotated[bool, option("--warnings-as-errors", help="End with 1 on warnings, too.")] = False,
    at: Annotated[str | None, option("--at", metavar="COMMIT", help="Look at a commit instead of the files.")] = None,
    cached: Cached = True,
    as_json: AsJson = False,
) -> int:
    """Say what is wrong in the specs and in CANON.yaml, each with its place and what to do. Ends with 1 on errors."""
    none = ""
    if at is not None:
        from canonry.cli.specs.commits import lint_commit

        found = lint_commit(Checkout.find(), at, spec)
    else:
        library = Library(Checkout.find(), is_cached=cached, has_sections=False)
        chosen = set(matching(library.paths(), spec)) if spec is not None else None
        found = [
            (summary.path, item) for summary in library.summaries() if chosen is None or summary.path in chosen for item in summary.found
        ]
        if chosen is None:
            found = [(library.config["name"], tuple(item)) for item in library.config["found"]] + found
        none = "" if library.paths() else _no_specs(library)
    errors = sum(item[1] == "error" for _, item in found)
    warnings = len(found) - errors
    if as_json:
        print_json({"errors": errors, "warnings": warnings, "diagnostics": [diagnostic_json(path, item) for path, item in found]})
    else:
        print_lines(diagnostic_line(path, item) for path, item in found)
        say(f"Errors: {errors}, warnings: {warnings}." if found else none or "Nothing is wrong.")
    return 1 if errors or (warnings and warnings_as_errors) else 0


def status(spec: Spec = None, cached: Cached = True, as_json: AsJson = False) -> int:
    """Show how far the specs are: sections done, criteria ticked, criteria with evidence. With --spec, section by section."""
    library = Library(Checkout.find(), is_cached=cached)
    if spec is not None:
        return _status_of(library, matching(library.paths(), spec), as_json=as_json)
    summaries = library.summaries()
    figures = total(summary.counts for summary in summaries).summary()
    if as_json:
        print_json({"specs": [summary.show() for summary in summaries], "summary": figures | {"total_specs": len(summaries)}})
        return 0
    if not summaries:
        say(_no_specs(library))
        return 0
    print_table(("SPEC", "STATUS", "SECTIONS", "CRITERIA", "EVIDENCE", "TITLE"), [_row(summary) for summary in summaries])
    done, ticked, shown, health = (
        figures[name] for name in ("section_coverage_pct", "ac_coverage_pct", "realization_rate_pct", "health_score")
    )
    say(f"{len(summaries)} specs: {done} % of the sections done, {ticked} % of the criteria ticked, {shown} % shown. Health {health}.")
    return 0


def tasks(
    state: State = None,
    spec: Spec = None,
    everything: Annotated[bool, option("--all", help="Sections in every state.")] = False,
    cached: Cached = True,
    as_json: AsJson = False,
) -> int:
    """List the sections to do: those in todo, in_progress or blocked, unless another state is asked for."""
    if state is not None and state not in _STATES:
        raise Invalid("state", f"`{state}` is no state.", hint=f"Use one of {', '.join(_STATES)}.")
    library = Library(Checkout.find(), is_cached=cached)
    paths = matching(library.paths(), spec) if spec is not None else None
    wanted = _STATES if everything else (state,) if state else _OPEN
    found = [(path, section) for path, sections in library.sections(paths) for section in sections if section["status"] in wanted]
    if as_json:
        print_json({"tasks": [_task(path, section) for path, section in found], "total": len(found)})
        return 0
    if not found:
        say("Nothing to do." if library.paths() else _no_specs(library))
        return 0
    print_table(("SPEC", "SECTION", "STATUS", "CRITERIA", "TICKET", "TITLE"), [
        (path, section["number"] or section["id"], _state(section), _ticks(section), (section["ticket"] or {}).get("id"), section["title"])
        for path, section in found
    ])  # fmt: skip
    return 0


def search(
    query: Annotated[str, words("QUERY", help="What to look for.")],
    state: State = None,
    spec: Spec = None,
    limit: Annotated[int, option("--limit", "-n", min=1, max=1000, metavar="COUNT", help="How many to show at most.")] = 20,
    as_json: AsJson = False,
) -> int:
    """Find sections by their heading, criteria and text. Ends with 1 when nothing fits."""
    from canonry.specs import parse
    from canonry.specs.matching import fits, has_all, might_match
    from canonry.specs.matching import search as find

    library = Library(Checkout.find())
    paths = matching(library.paths(), spec) if spec is not None else library.paths()
    hits = []
    for path in paths:
        content = library.checkout.read(path)
        if might_match(content.decode(errors="replace").lower(), query.strip()):
            document = parse(content)
            if fits(document, status=state):
                hits += [(hit, path, document.frontmatter.title) for hit in find(document, query)]
    hits.sort(key=lambda item: -item[0].score)
    is_relaxed = bool(hits) and not has_all(hits[0][0])
    if as_json:
        print_json({"total": len(hits), "relaxed": is_relaxed, "results": [
            {"path": path, "line": hit.line, "spec_title": title, "section_id": hit.section_id, "heading": hit.heading, "score": hit.score,
             "snippet": hit.snippet} for hit, path, title in hits[:limit]
        ]})  # fmt: skip
    else:
        print_lines(f"{path}:{hit.line}: {hit.heading}\n    {hit.snippet}" for hit, path, _ in hits[:limit])
        words = "1 section" if len(hits) == 1 else f"{len(hits)} sections"
        say(f"{words}. None has every word; these have most of them." if is_relaxed else f"{words}." if hits else "Nothing fits.")
    return 0 if hits else 1


def export(
    form: Annotated[str, option("--format", metavar="json|csv", help="JSON with everything, or a line for each criterion.")] = "json",
    output: Annotated[Path | None, option("--output", "-o", metavar="FILE", help="Write into a file instead.")] = None,
    spec: Spec = None,
    as_json: AsJson = False,
) -> int:
    """Print every section and criterion; the same specs give the same bytes."""
    form = "json" if as_json else form
    if form not in {"json", "csv"}:
        raise Invalid("format", f"`{form}` is no format.", hint="Use json or csv.")
    library = Library(Checkout.find())
    paths = matching(library.paths(), spec) if spec is not None else library.paths()
    summaries = {summary.path: summary for summary in library.summaries()}
    if output is None:
        _export(form, library, paths, summaries)
        return 0
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            _export(form, library, paths, summaries, file)
    except OSError as error:
        raise Invalid(
            "unwritable_file", f"{output} cannot be written: {error.strerror}.", hint="Name another file with --output."
        ) from error
    return 0


def _export(form: str, library: Library, paths: list[str], summaries: dict[str, Summary], file: Any = None) -> None:  # noqa: ANN401
    out = file or sys.stdout
    if form == "json":
        import json

        document = {"specs": [{**summaries[path].show(), "sections": sections} for path, sections in library.sections(paths)]}
        json.dump(document, out, indent=2, ensure_ascii=False)
        out.write("\n")
        return
    writer = csv.writer(out)
    writer.writerow(("path", "section", "section_title", "section_status", "criterion", "text", "strength", "checked", "evidence"))
    writer.writerows(_csv_rows(library.sections(paths)))


def _csv_rows(items: Iterator[tuple[str, list[dict[str, Any]]]]) -> Iterator[list[str]]:
    for path, sections in items:
        for section in sections:
            for criterion in section["acceptance_criteria"]:
                evidence = "; ".join(
                    f"{item['source']} {item['path']}{':' + item['lines'] if item['lines'] else ''}" for item in criterion["evidence"]
                )
                cells = (
                    path,
                    section["id"],
                    section["title"],
                    _state(section),
                    criterion["id"],
                    criterion["text"],
                    criterion["strength"] or "",
                    "yes" if criterion["checked"] else "no",
                    evidence,
                )
                yield [
                    f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in cells
                ]  # else spreadsheets run it


def _status_of(library: Library, paths: list[str], *, as_json: bool) -> int:
    summaries = {summary.path: summary for summary in library.summaries()}
    shown = [(summaries[path], sections) for path, sections in library.sections(paths)]
    if as_json:
        print_json({"specs": [{**summary.show(), "sections": sections} for summary, sections in shown]})
        return 0
    for summary, sections in shown:
        print(f"{summary.path}: {summary.title} ({summary.status})")
        for section in sections:
            print(f"{'  ' * (section['depth'] - 1)}{_heading(section)} [{_state(section)}] {_ticks(section)}")
            for criterion in section["acceptance_criteria"]:
                print(f"{'  ' * section['depth']}[{'x' if criterion['checked'] else ' '}] {criterion['id']}  {criterion['text']}")
    return 0


def _no_specs(library: Library) -> str:
    return f"There are no specs at {', '.join(library.config['doc_paths'])}. `canonry spec new` makes one."


def _row(summary: Summary) -> tuple[object, ...]:
    counts = summary.counts
    return (summary.path, summary.status, percent(counts.done_sections, counts.sections), percent(counts.done_criteria, counts.criteria),
            percent(counts.realized_criteria, counts.criteria), summary.title)  # fmt: skip


def _task(path: str, section: dict[str, Any]) -> dict[str, Any]:
    criteria = section["acceptance_criteria"]
    ticket = section["ticket"] or {}
    return {"spec_file_path": path, "section_id": section["id"], "section_number": section["number"], "title": section["title"],
            "status": section["status"], "blocked_by": section["blocked_by"], "total_ac": len(criteria),
            "done_ac": sum(item["checked"] for item in criteria), "ticket_system": ticket.get("system"), "ticket_id": ticket.get("id"),
            "line": section["line"], "acceptance_criteria": criteria}  # fmt: skip


def _heading(section: dict[str, Any]) -> str:
    return f"{section['number']}. {section['title']}" if section["number"] else str(section["title"])


def _state(section: dict[str, Any]) -> str:
    return f"{section['status']}:{section['blocked_by']}" if section["blocked_by"] else str(section["status"])


def _ticks(section: dict[str, Any]) -> str:
    criteria = section["acceptance_criteria"]
    return percent(sum(item["checked"] for item in criteria), len(criteria))
