"""`canonry spec diff` and `history`: what changed, section by section and criterion by criterion."""

from typing import Annotated, Any

from canonry.cli.arguments import argument, option
from canonry.cli.output import print_json, say
from canonry.cli.specs.checkout import Checkout, matching
from canonry.cli.specs.commits import changed_paths, log_of, read_blobs, resolve, untracked_paths
from canonry.cli.specs.library import Library
from canonry.cli.specs.options import AsJson, Spec
from canonry.core.errors import Invalid, NotFound
from canonry.specs import parse
from canonry.specs.changes import Change, Entry, Version, compare
from canonry.specs.changes import history as follow
from canonry.specs.globs import Glob, is_spec_path


def diff(
    old: Annotated[str, argument("FROM", help="A commit, a branch or a tag.")] = "HEAD",
    new: Annotated[str | None, argument("TO", help="Another one; without it, the files as they are now.")] = None,
    spec: Spec = None,
    as_json: AsJson = False,
) -> int:
    """Show which sections and criteria changed: added, removed, reworded, moved, ticked, with another status or other evidence."""
    checkout = _repository()
    globs = tuple(Glob(pattern) for pattern in Library(checkout).config["doc_paths"])
    before, after = resolve(checkout, old), resolve(checkout, new) if new else None
    pairs = [pair for pair in changed_paths(checkout, before, after) if any(path and is_spec_path(path, globs) for path in pair)]
    if after is None:
        pairs += [(None, path) for path in untracked_paths(checkout) if is_spec_path(path, globs)]
    if spec is not None:
        chosen = set(matching(sorted({path for pair in pairs for path in pair if path}), spec)) if pairs else set()
        pairs = [pair for pair in pairs if chosen & set(pair)]
    olds = iter(read_blobs(checkout, [f"{before}:{was}" for was, _ in pairs if was]))
    news = iter(read_blobs(checkout, [f"{after}:{now}" for _, now in pairs if now])) if after else None
    shown = []
    for was, now in pairs:
        old_content = next(olds) if was else None
        new_content = None if now is None else next(news) if news is not None else checkout.read(now)
        changes = compare(parse(old_content) if old_content is not None else None, parse(new_content) if new_content is not None else None)
        shown.append((was, now, changes))
    if as_json:
        print_json({"files": [{"old_path": was, "path": now, "changes": [_json(item) for item in changes]} for was, now, changes in shown]})
        return 0
    for was, now, changes in shown:
        print(now if was == now else f"{was or '(new)'} -> {now or '(removed)'}")
        for item in changes:
            print(f"  {_line(item)}")
    if not shown:
        say("No spec changed.")
    return 0


def history(
    spec: Annotated[str, argument("SPEC", help="A spec: its path, its file name or a part of the path.")],
    what: Annotated[str | None, argument("ID", help="A section or a criterion of it; without one, the whole spec.")] = None,
    limit: Annotated[int, option("--limit", "-n", min=1, max=10_000, metavar="COUNT", help="How many commits to show, the newest.")] = 100,
    as_json: AsJson = False,
) -> int:
    """Show who changed a spec, a section or a criterion, when, in which commit, and what it said then. Follows rewordings and renames."""
    checkout = _repository()
    found = matching(Library(checkout).paths(), spec)
    if len(found) > 1:
        raise Invalid("several_specs", f"`{spec}` fits {len(found)} specs.", hint=f"Name one: {', '.join(found[:5])}.")
    commits = log_of(checkout, found[0])
    if what is not None:
        document = parse(checkout.read(found[0]))
        names = {section.id for section in document.walk()} | {section.number for section in document.walk()}
        if what not in names | {criterion.id for _, criterion in document.criteria()}:
            raise NotFound(
                "no_such_part",
                f"{found[0]} has no section or criterion `{what}`.",
                hint=f"`canonry spec status --spec {spec}` lists the ids.",
            )
    contents = iter(read_blobs(checkout, [f"{commit}:{path}" for commit, _, _, _, path in commits if path]))
    versions = [Version(commit, author, when, message, next(contents) if path else None) for commit, author, when, message, path in commits]
    entries = follow(versions, what)[-limit:]
    if as_json:
        print_json({"path": found[0], "id": what, "history": [_entry(entry) for entry in entries]})
        return 0
    for entry in reversed(entries):
        print(f"{entry.commit[:10]}  {entry.when}  {entry.author}  {entry.message}")
        for item in entry.changes:
            print(f"    {_line(item)}")
        if entry.says:
            print(f"    it said: {entry.says}")
    if not entries:
        say("No commit has it yet.")
    return 0


def _repository() -> Checkout:
    checkout = Checkout.find()
    if checkout.git is None:
        raise Invalid("no_repository", "This folder is in no git repository.", hint="Run it in a checkout.")
    return checkout


def _line(item: Change) -> str:
    name = f"{item.subject} {item.id}" if item.subject != "document" else "frontmatter"
    if item.what == "added":
        return f"+ {name}: {item.after}"
    if item.what == "removed":
        return f"- {name}: {item.before}"
    if item.what == "checked":
        return f"~ {name}: {'ticked' if item.after == 'x' else 'unticked'}"
    if item.subject == "section" and item.what == "text":
        return f"~ {name}: text changed"
    return f"~ {name}: {item.what}: {item.before or 'none'} -> {item.after or 'none'}"


def _json(item: Change) -> dict[str, Any]:
    return {"subject": item.subject, "id": item.id, "section": item.section, "what": item.what, "before": item.before, "after": item.after,
            "line": item.line}  # fmt: skip


def _entry(entry: Entry) -> dict[str, Any]:
    return {"commit": entry.commit, "author": entry.author, "when": entry.when, "message": entry.message, "says": entry.says,
            "changes": [_json(item) for item in entry.changes]}  # fmt: skip
