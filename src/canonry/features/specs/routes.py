"""HTTP for specifications: documents, repositories, tasks, and the state of the index."""

from typing import Annotated, Literal

from fastapi import Path, Query, Response

from canonry.core.access import Permission
from canonry.core.errors import NotFound
from canonry.features import git
from canonry.features.specs import service, versions
from canonry.features.specs.listing import listings
from canonry.features.specs.schemas import (
    DifferenceAnswer,
    DifferenceQuery,
    DocAnswer,
    HistoryAnswer,
    HistoryQuery,
    IndexingAnswer,
    ReindexedAnswer,
    RepoSummary,
    SpecAnswer,
    TasksAnswer,
    difference_answer,
    doc_answer,
    history_answer,
    indexing_answer,
    repo_summary,
    spec_answer,
    tasks_json,
)
from canonry.http.deps import ActorDep, OrgActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["JSON API"])
admin_router = Routes(tags=["Admin"])

FilePath = Annotated[str, Path(max_length=1000, description="its path in the repository")]
_State = Literal["draft", "todo", "in_progress", "blocked", "done", "deprecated"]


@router.operation("GET", "/app/{org}/api/specs/{owner}/{repo}/{file_path:path}", Permission.SPECS_READ)
def show_spec(org: str, owner: str, repo: str, file_path: FilePath, *, actor: OrgActorDep, services: ServicesDep) -> SpecAnswer:
    """Show a spec: frontmatter, nested sections with statuses, tickets and criteria with evidence, and its HTML."""
    del org
    shown = service.find_document(services, actor, owner, repo, file_path)
    if shown.document is None:
        raise NotFound("spec_not_found", f"{file_path} is no spec.", hint="CANON.yaml says where specs lie: specs.doc_paths.")
    return spec_answer(shown, service.html_of(shown), git.file_url(shown.repository, services.settings, shown.summary.path))


@router.operation("GET", "/app/{org}/api/docs/{owner}/{repo}/{file_path:path}", Permission.SPECS_READ)
def show_document(org: str, owner: str, repo: str, file_path: FilePath, *, actor: OrgActorDep, services: ServicesDep) -> DocAnswer:
    """Show any Markdown file of a repository as HTML that is safe to put into a page."""
    del org
    shown = service.find_document(services, actor, owner, repo, file_path)
    return doc_answer(shown, service.html_of(shown), git.file_url(shown.repository, services.settings, shown.summary.path))


@router.operation("GET", "/app/{org}/api/repos/{owner}/{repo}", Permission.SPECS_READ, response_model=RepoSummary)
def show_repository_documents(org: str, owner: str, repo: str, actor: OrgActorDep, tx: TxDep, services: ServicesDep) -> Response:
    """Show a repository: its specs with counts of sections and criteria, its other documents, and its parsed CANON.yaml."""
    del org
    found = git.find_repository(tx, actor, repo, owner=owner)
    listing = listings(tx, actor, [found])[found.id]
    return Response(repo_summary(found, listing, service.index_of(tx, found), services.settings), media_type="application/json")


@router.operation("GET", "/app/{org}/api/tasks", Permission.SPECS_READ, response_model=TasksAnswer)
def list_tasks(
    org: str,
    *,
    actor: OrgActorDep,
    tx: TxDep,
    status: Annotated[_State | None, Query(description="these, instead of todo, in_progress and blocked")] = None,
    repo: Annotated[str | None, Query(max_length=200, description="owner/name")] = None,
    expand: Annotated[Literal["acs"] | None, Query(description="acs: with the criteria of each")] = None,
) -> Response:
    """List what there is to do: each section that is todo, in progress or blocked."""
    del org
    chosen = None
    if repo is not None:
        owner, _, name = repo.rpartition("/")
        chosen = git.find_repository(tx, actor, name, owner=owner or None)
    body = service.tasks_as(tasks_json, tx, actor, status=status, repository=chosen, with_criteria=expand == "acs")
    return Response(body, media_type="application/json")


@router.operation("GET", "/app/{org}/api/history/{owner}/{repo}/{file_path:path}", Permission.SPECS_READ)
def show_history(
    org: str, owner: str, repo: str, file_path: FilePath, *, query: Annotated[HistoryQuery, Query()], actor: OrgActorDep,
    services: ServicesDep,
) -> HistoryAnswer:  # fmt: skip
    """Show who changed a spec, a section or a criterion, when, in which commit, and what it said."""
    del org
    return history_answer(versions.history_of(services, actor, (owner, repo), file_path, of=query.of, limit=query.limit))


@router.operation("GET", "/app/{org}/api/diff/{owner}/{repo}", Permission.SPECS_READ, errors=(413,))
def show_difference(
    org: str, owner: str, repo: str, *, query: Annotated[DifferenceQuery, Query()], actor: OrgActorDep, services: ServicesDep
) -> DifferenceAnswer:
    """Show what differs between two commits or branches, section by section and criterion by criterion."""
    del org
    return difference_answer(versions.difference(services, actor, (owner, repo), query.before, query.after))


@admin_router.operation("GET", "/app/admin/api/indexing", Permission.SPECS_ADMIN)
def show_indexing(actor: ActorDep, tx: TxDep) -> IndexingAnswer:
    """Show the connections of the organization, and what the indexer did lately."""
    return indexing_answer(*service.indexing_state(tx, actor))


@admin_router.operation("POST", "/app/admin/api/reindex/{installation_id}", Permission.SPECS_ADMIN, errors=(404, 422))
def reindex(installation_id: Annotated[int, Path(ge=1, le=2**63 - 1)], actor: ActorDep, tx: TxDep) -> ReindexedAnswer:
    """Read every repository of a connection again from scratch, in the background."""
    service.reindex(tx, actor, installation_id)
    return ReindexedAnswer()
