"""Specifications over time: what became of a section or a criterion, and what differs between two commits, at the level of both."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from canonry.core.access import Actor
from canonry.core.errors import TooLarge
from canonry.core.file_paths import parse_file_path
from canonry.features import git
from canonry.features.specs.configured import configured
from canonry.features.specs.context import Context
from canonry.features.specs.store import reading
from canonry.specs.changes import Change, Entry, Version, compare, history
from canonry.specs.models import Document
from canonry.specs.parser import MAX_BYTES, parse, too_large

_MOST_COMMITS = 500
_MOST_FILES = 500
_MOST_BYTES = 48 << 20


def history_of(context: Context, actor: Actor, where: tuple[str, str], path: str, *, of: str | None, limit: int) -> list[Entry]:
    """Return the commits of the default branch that changed a spec, the newest first.

    where: owner and name of the repository.
    of: only those that changed this section (id or number) or criterion (id, as the API shows it); followed back through rewordings.
    Raises: NotFound `repository_not_found`, `ref_not_found`; Invalid `invalid_path`.
    """
    path = parse_file_path(path)
    with context.transactions.reading() as tx:
        repository = git.find_repository(tx, actor, where[1], owner=where[0])
        first = reading.first_names(tx, repository.id, path) if of else {}
    folder = git.hosted_repository(context.home, repository.folder)
    if repository.head is None:
        return []
    wanted = next((now for now, was in first.items() if was == of), of)
    revisions = git.file_history(folder, repository.head, path, _MOST_COMMITS)[::-1]
    contents = _contents(folder, [item.sha for item in reversed(revisions) if item.sha])
    versions = [
        Version(item.commit, item.author, item.at.isoformat(), item.subject, contents[item.sha] if item.sha else None)
        for item in revisions
        if item.sha is None or item.sha in contents
    ]
    return history(versions, wanted)[::-1][:limit]


def _contents(folder: Path, newest_first: Sequence[str]) -> dict[str, bytes | None]:
    """Return the contents of blobs, of the newest as many as may be in memory at once."""
    found: dict[str, bytes | None] = {}
    size = 0
    with closing(git.read_blobs(folder, dict.fromkeys(newest_first), MAX_BYTES)) as blobs:
        for sha, content in blobs:
            size += len(content or b"")
            if size > _MOST_BYTES and found:
                break
            found[sha] = content
    return found


def difference(context: Context, actor: Actor, where: tuple[str, str], before: str, after: str) -> list[tuple[str, list[Change]]]:
    """Return what differs between two commits or branches: spec by spec, sections and criteria.

    where: owner and name of the repository.
    Raises: NotFound `repository_not_found`, `ref_not_found`; Invalid `invalid_ref`; TooLarge `too_many_files`, `too_much_text`.
    """
    with context.transactions.reading() as tx:
        repository = git.find_repository(tx, actor, where[1], owner=where[0])
    folder = git.hosted_repository(context.home, repository.folder)
    config = configured(folder, after)
    changed = [item for item in git.changes(folder, before, after) if config.is_spec(item.path)]
    if len(changed) > _MOST_FILES:
        raise TooLarge(
            "too_many_files", f"{len(changed)} specs differ between these commits.", hint="Compare commits that lie closer together."
        )
    found, size = [], 0
    for item in changed:
        documents = [_document(folder, ref, item.path) for ref in (before, after)]
        size += sum(len(document.text) for document in documents if document is not None)
        if size > _MOST_BYTES:
            raise TooLarge("too_much_text", f"The specs that differ between these commits have more than {_MOST_BYTES >> 20} MiB.",
                           hint="Compare commits that lie closer together.")  # fmt: skip
        differs = compare(*documents)
        if differs:
            found.append((item.path, differs))
    return found


def _document(folder: Path, ref: str, path: str) -> Document | None:
    try:
        content = git.content_at(folder, ref, path)
    except TooLarge:
        return too_large()
    return None if content is None else parse(content)
