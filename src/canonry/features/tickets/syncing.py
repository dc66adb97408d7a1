"""Bringing a repository and its tickets together.

The tickets come first, then one commit with everything that specs have to say of them. Whatever happens in between, the next time finds
the tickets by their fingerprints and writes what was not written: no section gets two.
"""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from itertools import batched
from pathlib import Path
from urllib.parse import quote

from canonry.core.errors import Conflict, NotFound
from canonry.features import git, specs
from canonry.features.tickets import rules as say
from canonry.features.tickets import store
from canonry.features.tickets.context import Context
from canonry.features.tickets.document import Ledger, Place, SpecSync
from canonry.features.tickets.events import TicketsSynced
from canonry.features.tickets.models import Direction, Item, Result
from canonry.specs.config import NAMES, Config
from canonry.specs.parser import parse

_LARGEST = 1 << 20
_AT_ONCE = 250
_TRIES = 3
AUTHOR = git.Author("Canonry", "canonry@localhost")
OWN = "chore(canon):"
"""What the messages of our own commits begin with: a push of one starts no sync."""


@dataclass(frozen=True)
class Wish:
    """What to look at. paths: these specs only; None for all, or with `only_new` those that changed since they were last in step."""

    direction: Direction = Direction.BOTH
    dry_run: bool = False
    paths: Collection[str] | None = None
    only_new: bool = False


@dataclass
class _Work:
    """A repository as it stands, and what is found out about it. shas: of the specs that are looked at. edits: path → new content."""

    repository: git.Repository
    folder: Path
    config: Config
    said: str
    shas: dict[str, str]
    gone: list[str]
    ledger: Ledger
    edits: dict[str, tuple[bytes | None, str | None]] = field(default_factory=dict)


def run(context: Context, repository_id: str, wish: Wish) -> Result:
    """Bring sections and tickets together and return what was done. Harmless twice.

    Raises: Conflict `branch_busy` when specs changed again and again meanwhile.
    """
    for attempt in range(1, _TRIES + 1):
        specs.bring_up(context, repository_id)
        work = _prepare(context, repository_id, wish)
        if work is None:
            return Result()
        for path, content in _contents(work):
            _bring_together(context, work, wish, path, content)
        if wish.dry_run:
            return work.ledger.result
        try:
            _write(context, work, wish)
        except git.StaleFile:  # somebody saved one of them meanwhile: look again, the tickets are found by their fingerprints
            if attempt == _TRIES:
                raise
            continue
        return work.ledger.result
    raise Conflict("branch_busy", "The specs changed while they were written.", hint="Try again.")


def _prepare(context: Context, repository_id: str, wish: Wish) -> _Work | None:
    with context.transactions.begin() as tx:
        try:
            repository = git.get_repository(tx, repository_id)
        except NotFound:
            return None
        index = specs.index_of(tx, repository)
        if index is None or index.commit is None:
            return None
        known, in_step = specs.specs_of(tx, repository), store.documents(tx, repository_id)
        taken = specs.linked_tickets(tx, repository_id)
        ledger = Ledger(store.links(tx, repository_id), specs.broken_tickets(tx, repository_id), taken)
    folder = git.hosted_repository(context.home, repository.folder)
    configuration = specs.configured(folder, index.commit)
    said = hashlib.sha256(repr(configuration.config).encode()).hexdigest()
    is_same = in_step.get(NAMES[0]) == said
    shas = {
        row.path: row.sha for row in known
        if (wish.paths is None or row.path in wish.paths)
        and not (wish.only_new and is_same and in_step.get(row.path) == row.sha)
    }  # fmt: skip
    gone = sorted(set(in_step) - {row.path for row in known} - {NAMES[0]})
    if not (configuration.config.ticket_systems or configuration.config.ticket_system):
        shas = {}
    return _Work(repository, folder, configuration.config, said, shas, gone, ledger)


def _contents(work: _Work) -> Iterator[tuple[str, bytes]]:
    """Give the specs that are to be looked at."""
    paths: dict[str, list[str]] = {}
    for path, sha in sorted(work.shas.items()):
        paths.setdefault(sha, []).append(path)
    for group in batched(git.read_blobs(work.folder, paths, _LARGEST), _AT_ONCE):
        for sha, content in group:
            for path in paths[sha]:
                if content is not None:
                    yield path, content


def _bring_together(context: Context, work: _Work, wish: Wish, path: str, content: bytes) -> None:
    document = parse(content)
    rules = say.rules_for(work.config, path, document, work.repository.name)
    if rules.system is None:
        work.ledger.result.skipped.append(Item(path, "", note=rules.why))
        return
    tracker = context.ports.trackers.get(rules.system)
    if tracker is None:
        work.ledger.result.skipped.append(Item(path, "", note=f"{rules.system} is not connected"))
        return
    owner, name = quote(work.repository.owner), quote(work.repository.full_name)
    place = Place(work.repository.organization_id, work.repository.id, f"{context.settings.own_url}/app/{owner}/specs/{name}/")
    sync = SpecSync(place, work.ledger, tracker, rules, direction=wish.direction, dry_run=wish.dry_run)
    new = sync.bring_together(path, document, content)
    if new != content:
        work.edits[path] = (new, work.shas[path])


def _write(context: Context, work: _Work, wish: Wish) -> None:
    """Commit what specs have to say, and remember how everything was left. Raises: StaleFile."""
    repository, ledger = work.repository, work.ledger
    branch = repository.default_branch
    written = _commit(context, work) if work.edits else None
    shas = {**work.shas, **({path: str(sha) for path, sha in written.shas.items()} if written else {})}
    if wish.paths is None:  # only who looked at all specs may say that the configuration was followed
        shas[NAMES[0]] = work.said
    if wish.direction is Direction.REVERSE:  # what was pushed has still to reach the tickets
        shas = {}
    failed = {item.path for item in ledger.result.errors}
    with context.transactions.begin() as tx:
        store.put_links(tx, repository.id, ledger.new_links.values())
        store.put_documents(tx, repository.id, {path: sha for path, sha in shas.items() if path not in failed}, work.gone)
        for (system, ticket_id), is_broken in ledger.new_broken.items():
            specs.note_ticket(tx, repository.id, system, ticket_id, is_broken=is_broken)
        if written is not None and written.commit != written.before:
            git.note_commit(tx, repository, branch, written.commit)
        if ledger.result.changes:
            tx.emit(TicketsSynced(repository.organization_id, repository.id), before={"commit": written.before if written else None},
                    after={"commit": written.commit if written else None, **counts(ledger.result)})  # fmt: skip


def _commit(context: Context, work: _Work) -> git.Written:
    """Commit all specs at once; where the repository lives at a host, one after the other, as its API has it. Raises: StaleFile."""
    repository, count = work.repository, len(work.edits)
    message = f"{OWN} bring {f'{count} specs in step with their' if count > 1 else '1 spec in step with its'} tickets\n"
    if not repository.is_elsewhere:
        return git.commit_files(work.folder, repository.default_branch, work.edits, AUTHOR, message)
    written = git.Written("", None, {})
    for path, (content, sha) in work.edits.items():
        save = git.Save(repository.default_branch, path, content, sha, AUTHOR, f"{OWN} bring {path} in step with its tickets\n")
        done = git.save_file(context, repository, save, by=None)
        written = git.Written(done.commit, written.before or done.before, {**written.shas, **done.shas})
    return written


def counts(result: Result) -> dict[str, int]:
    """Return how many there are of each kind."""
    return {name: len(items) for name, items in asdict(result).items()}


def told(result: Result) -> dict[str, list[dict[str, str | None]]]:
    """Return a result as it is kept and shown; of what was skipped, the first two hundred."""
    lists = asdict(result)
    return {name: items[:200] if name == "skipped" else items for name, items in lists.items()}
