"""Bringing the index of a repository up to where its default branch stands.

The tree of the commit is compared with what the index was made from, blob by blob, and only blobs that are not in it are read. So it does
not matter what happened in between: a push, a force-push, a rename, two pushes at once, a crash. Whatever the index was before, afterwards
it is what indexing from scratch would make. Everything changes in one transaction.
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

from canonry.core.errors import CanonryError, NotFound
from canonry.features import git
from canonry.features.specs import configuration
from canonry.features.specs.configuration import Configuration
from canonry.features.specs.configured import configured
from canonry.features.specs.context import Context
from canonry.features.specs.extraction import RULES, extract
from canonry.features.specs.models import Extract
from canonry.features.specs.store import states, words, writing
from canonry.infra.tx import Tx
from canonry.specs.identity import carry
from canonry.specs.models import Criterion

_log = logging.getLogger(__name__)
_LARGEST = 1 << 20  # bytes; a longer file is indexed by its name only
_AT_ONCE = 250  # documents in memory
_MOST = 50_000  # Markdown files of one repository


@dataclass(frozen=True)
class _Work:
    """What there is to do. read: files to be read. gone: paths to be taken out, those that will be read again included."""

    repository: git.Repository
    folder: Path
    commit: str | None
    config: Configuration
    read: Sequence[git.TreeFile]
    gone: Sequence[str]
    is_first: bool


def run(context: Context, repository_id: str) -> None:
    """Index what is new on the default branch. Harmless when nothing is, when the repository is gone, and twice."""
    with context.transactions.begin() as tx:
        try:
            repository = git.get_repository(tx, repository_id)
        except NotFound:
            return
        index = states.index_of(tx, repository_id)
    if index is not None and index.commit == repository.head and index.rules == RULES:
        return
    with context.transactions.begin() as tx:
        number = writing.start_run(tx, repository_id)
    try:
        commit, changed, removed = _bring_up(context, repository_id)
    except CanonryError as error:
        _log.warning("indexing %s: %s", repository.full_name, error)
        _end(context, number, "failed", repository.head, error=f"{error.code}: {error.message}")
        if error.code == "database_unavailable":
            raise
        return
    except Exception:
        _end(context, number, "failed", repository.head, error="internal_error: Something in Canonry itself failed.")
        raise
    _end(context, number, "done", commit, changed=changed, removed=removed)


def _bring_up(context: Context, repository_id: str) -> tuple[str | None, int, int]:
    """Read and write. Returns the commit, how many documents came or changed, and how many went."""
    with context.transactions.begin() as tx:
        writing.begin(tx, repository_id)
        repository = git.get_repository(tx, repository_id)  # only now: while we waited, somebody may have indexed a newer commit
        folder = git.hosted_repository(context.home, repository.folder)
        work = _compare(tx, repository, folder)
        came = 0
        if work.gone:
            old = states.criteria_of(tx, repository.id, [path for path in work.gone if path in {file.path for file in work.read}])
            writing.remove(tx, repository.id, work.gone)
        else:
            old = {}
        paths: list[str] = []
        for extracts in _ahead(_read(work)):
            writing.insert(tx, repository.id, repository.organization_id, extracts)
            for found in extracts:
                _carry(tx, repository.id, found, old.get(found.path, []))
                paths.append(found.path)
            came += len(extracts)
        if paths:
            words.learn(tx, repository.id, repository.organization_id, None if work.is_first else paths)
        if not repository.is_removed:
            git.ensure_installation(tx, repository.organization_id, repository.host, repository.owner)
        writing.finish(tx, repository.id, commit=work.commit, rules=RULES, config=work.config.shown, diagnostics=work.config.diagnostics)
        return work.commit, came, len(set(work.gone) - set(paths))


def _compare(tx: Tx, repository: git.Repository, folder: Path) -> _Work:
    """Find out what is not as the commit has it."""
    if repository.head is None:
        return _Work(repository, folder, None, configuration.default(), (), sorted(states.blobs_of(tx, repository.id)), is_first=False)
    config = configured(folder, repository.head)
    if (work := _difference(tx, repository, folder, config)) is not None:
        return work
    known = states.blobs_of(tx, repository.id)
    index = states.index_of(tx, repository.id)
    is_current = index is not None and index.rules == RULES
    wanted = {file.path: file for file in git.files_at(folder, repository.head) if file.is_file and _is_markdown(file.path)}
    if len(wanted) > _MOST:
        wanted = dict(sorted(wanted.items(), key=lambda item: (not config.is_spec(item[0]), item[0]))[:_MOST])
    read = [
        file for path, file in wanted.items() if not is_current or known.get(path) != (file.sha, config.is_spec(path))
    ]  # fmt: skip
    again = {file.path for file in read}
    gone = [path for path in known if path not in wanted or path in again]
    return _Work(repository, folder, repository.head, config, read, gone, is_first=not known)


def _difference(tx: Tx, repository: git.Repository, folder: Path, config: Configuration) -> _Work | None:
    """Find out the same from the difference of two commits: ten times as quick. None where that cannot be done."""
    index = states.index_of(tx, repository.id)
    if index is None or index.commit is None or repository.head is None or index.rules != RULES:
        return None
    try:
        changed = git.changes(folder, index.commit, repository.head)
    except NotFound:  # a force-push, and git has thrown the old commit away
        return None
    if any(change.path in configuration.NAMES for change in changed):
        return None  # other files may be specs now
    changed = [change for change in changed if _is_markdown(change.path)]
    known = states.blobs_of(tx, repository.id, [change.path for change in changed])
    read = [git.TreeFile(change.path, change.sha, change.is_file) for change in changed if change.sha is not None and change.is_file]
    if states.count(tx, repository.id) + len(read) > _MOST:
        return None
    return _Work(repository, folder, repository.head, config, read, sorted(known), is_first=False)


def _read(work: _Work) -> Iterator[list[Extract]]:
    """Give what is indexed of the files that have to be read, some hundred at a time."""
    paths: dict[str, list[str]] = {}
    for file in work.read:
        paths.setdefault(file.sha, []).append(file.path)
    for group in batched(git.read_blobs(work.folder, paths, _LARGEST), _AT_ONCE):
        yield [
            extract(path, sha, content, is_spec=work.config.is_spec(path)) for sha, content in group for path in paths[sha]
        ]  # fmt: skip


def _ahead(batches: Iterator[list[Extract]]) -> Iterator[list[Extract]]:
    """Give each batch while the next is read in a thread: PostgreSQL and the parser work at the same time."""
    with ThreadPoolExecutor(1, thread_name_prefix="extract") as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def _carry(tx: Tx, repository_id: str, found: Extract, old: Sequence[tuple[str, str]]) -> None:
    """Remember which criterion of before a reworded one is."""
    if not old or not found.criteria:
        return
    before = [_criterion(criterion_id, text) for criterion_id, text in old]
    now = [_criterion(item.criterion_id, item.text) for item in found.criteria]
    renamed = {new: was for new, was in carry(before, now).items() if new != was}
    if renamed:
        writing.name_criteria(tx, repository_id, found.path, renamed)


def _criterion(criterion_id: str, text: str) -> Criterion:
    """Return a criterion as far as its identity goes."""
    named = not criterion_id.startswith("ac-")
    return Criterion(id=criterion_id, text=text, checked=False, strength=None, line=0, column=0, end_line=0, is_named=named)


def _is_markdown(path: str) -> bool:
    return path.lower().endswith((".md", ".markdown"))


def _end(context: Context, number: int, status: str, commit: str | None, *, changed: int = 0, removed: int = 0, error: str = "") -> None:
    with context.transactions.begin() as tx:
        writing.end_run(tx, number, status=status, commit=commit, changed=changed, removed=removed, error=error)
