"""What is asked of specifications: a document, a repository's documents, what there is to do, how the index is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import NotFound
from canonry.core.file_paths import parse_file_path
from canonry.features import git
from canonry.features.specs.context import Context
from canonry.features.specs.events import ReindexRequested
from canonry.features.specs.models import Index, Run, Shown, Summary, Tasks
from canonry.features.specs.queue import INDEX
from canonry.features.specs.store import reading, states, writing
from canonry.features.specs.store import tickets as links
from canonry.infra.kept import Kept
from canonry.infra.tx import Tx
from canonry.specs.parser import parse
from canonry.specs.render import Place, render, render_markdown

_LARGEST = 4 << 20
_MOST_TASKS = 2000
_totals = Kept[int](1000)
_tasks = Kept[bytes](8 << 20, len)
OPEN = ("todo", "in_progress", "blocked")
"""The states of a section that make it a task."""


def find_document(context: Context, actor: Actor, owner: str, name: str, path: str) -> Shown:
    """Return a document as it stands on the default branch, from the index and git.

    Raises: NotFound `repository_not_found`, `document_not_found`; Invalid `invalid_path`.
    """
    with context.transactions.reading() as tx:
        repository = git.find_repository(tx, actor, name, owner=owner)
        summary = reading.document(tx, repository.id, parse_file_path(path))
        index = states.index_of(tx, repository.id)
        is_spec = summary is not None and summary.is_spec
        names = reading.first_names(tx, repository.id, path) if is_spec else {}
        broken = frozenset(links.broken(tx, repository.id)) if is_spec else frozenset()
    content = None if summary is None else content_of(git.hosted_repository(context.home, repository.folder), summary.sha)
    if summary is None or content is None:
        raise NotFound("document_not_found", f"There is no document {path} in {repository.full_name}.",
                       hint="Only what is on the default branch, and indexed, is found.")  # fmt: skip
    document = parse(content) if is_spec else None
    return Shown(repository, summary, content.decode(errors="replace"), document, names, dict(index.config) if index else {}, broken)


def html_of(shown: Shown) -> str:
    """Return a document as HTML that is safe to put into a page."""
    place = place_of(shown.repository, shown.summary.path)
    return render_markdown(shown.text, place) if shown.document is None else render(shown.document, place)


def place_of(repository: git.Repository, path: str) -> Place:
    """Return where a document lies, for links in it: they lead to our own pages."""
    address = _Addresses(f"/app/{quote(repository.owner)}/docs/{quote(repository.owner)}/{quote(repository.name)}/")
    return Place(path, pages=address, files=address, repository=repository.full_name)


@dataclass(frozen=True, slots=True)
class _Addresses:
    """Makes the address of a file. Two of one repository are equal, so that `specs.render` need not get ready for each anew."""

    base: str

    def __call__(self, target: str) -> str:
        return self.base + quote(target)


def content_of(folder: Path, sha: str) -> bytes | None:
    """Return a blob; None when it is gone or larger than 4 MiB."""
    return next((content for _, content in git.read_blobs(folder, [sha], _LARGEST)), None)


def index_of(tx: Tx, repository: git.Repository) -> Index | None:
    """Return how far the index of a repository is."""
    return states.index_of(tx, repository.id)


def indexes(tx: Tx, actor: Actor) -> dict[str, Index]:
    """Return how far the index of each repository of the caller's organization is, by repository."""
    require(actor, Permission.SPECS_READ)
    return states.indexes(tx, actor.organization_id)


def index_state(tx: Tx, actor: Actor) -> str:
    """Return a text that changes whenever the index of the caller's organization does, for what is kept of it."""
    require(actor, Permission.SPECS_READ)
    return states.fingerprint(tx, actor.organization_id)


def specs_of(tx: Tx, repository: git.Repository) -> list[Summary]:
    """Return the specs of a repository as they are indexed, for Canonry's own work."""
    return [row for row in reading.summaries(tx, repository.organization_id, repository.id) if row.is_spec]


def has_specs(tx: Tx, actor: Actor) -> bool:
    """Say whether the caller can see any spec."""
    only = None if actor.project_id is None else [item.id for item in git.repositories(tx, actor)]
    return reading.any_spec(tx, actor.organization_id, only)


def tasks_as(
    form: Callable[[Tasks], bytes], tx: Tx, actor: Actor, *, status: str | None, repository: git.Repository | None, with_criteria: bool
) -> bytes:
    """Return what there is to do as `form` writes it: sections that are todo, in progress or blocked, or those of one status.

    Bound to a project, only of its repository. Written once for each state of the index.
    """
    require(actor, Permission.SPECS_READ)
    repositories, index = git.repositories(tx, actor), states.fingerprint(tx, actor.organization_id)
    key = (actor.organization_id, actor.project_id, status, repository.id if repository else None, with_criteria)
    wanted, only = [status] if status else list(OPEN), [repository.id] if repository else None
    if only is None and actor.project_id is not None:
        only = [item.id for item in repositories]

    def write() -> bytes:
        rows = reading.tasks(tx, actor.organization_id, wanted, only, _MOST_TASKS)
        total = len(rows) if len(rows) < _MOST_TASKS else _total(tx, actor.organization_id, index, wanted, only)
        criteria = reading.criteria(tx, [(row["document_id"], row["position"]) for row in rows]) if with_criteria else {}
        return form(Tasks(rows, total, {item.id: item for item in repositories}, criteria))

    return _tasks.get(key, (tuple(repositories), index), write)


def _total(tx: Tx, organization_id: str, index: str, wanted: list[str], only: list[str] | None) -> int:
    key = (organization_id, *wanted, None if only is None else tuple(only))
    return _totals.get(key, index, lambda: reading.count_tasks(tx, organization_id, wanted, only))


def indexing_state(tx: Tx, actor: Actor) -> tuple[list[git.Installation], list[Run]]:
    """Return the connections of the caller's organization, and what the indexer did lately."""
    require(actor, Permission.SPECS_ADMIN)
    return git.installations(tx, actor.organization_id), states.runs(tx, actor.organization_id, 50)


def reindex(tx: Tx, actor: Actor, installation_id: int) -> None:
    """Have every repository of a connection read again from scratch, after a look at its host.

    Raises: NotFound `installation_not_found`.
    """
    require(actor, Permission.SPECS_ADMIN)
    found = next((item for item in git.installations(tx, actor.organization_id) if item.id == installation_id), None)
    if found is None:
        raise NotFound("installation_not_found", "Installation not found", hint="GET /app/admin/api/indexing lists them.")
    for repository in git.repositories(tx, actor):
        if (repository.host, repository.owner.lower()) == (found.host, found.account.lower()):
            writing.forget(tx, repository.id)
            tx.enqueue(INDEX, repository_id=repository.id)
            if repository.is_elsewhere:
                tx.enqueue(git.FETCH, repository_id=repository.id)
    tx.emit(ReindexRequested(actor.organization_id, installation_id))
