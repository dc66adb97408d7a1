"""HTTP for the editor. What names no file stands before what does: a path may be called anything."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Path, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from canonry.core.access import Permission
from canonry.features import git, specs
from canonry.features.editor import service
from canonry.features.editor.models import Proposal
from canonry.features.editor.rules import check_content
from canonry.features.editor.schemas import (
    ContentRequest,
    EditableRepository,
    FileAnswer,
    ParsedAnswer,
    ProposedAnswer,
    RenderedAnswer,
    SavedAnswer,
    SavePullRequest,
    SaveRequest,
    TemplateAnswer,
    repository_body,
    section_body,
)
from canonry.http.bodies import Bodies
from canonry.http.deps import OrgActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["Editor"], bodies=Bodies.SMALL)

_FILE = "/app/{org}/editor/{owner}/{repo}/{file_path:path}"
FilePath = Annotated[str, Path(max_length=1000, description="its path in the repository: .md, or CANON.yaml")]
_LIMIT = 4  # MiB of JSON; a letter may take six bytes in it


@router.operation("GET", "/app/{org}/editor/repos", Permission.SPECS_READ)
def list_editable_repositories(org: str, actor: OrgActorDep, services: ServicesDep) -> list[EditableRepository]:
    """List the repositories of the organization whose specs you can edit."""
    del org
    return [repository_body(found) for found in service.repositories(services, actor)]


@router.operation("GET", "/app/{org}/editor/{owner}/{repo}/new/template", Permission.SPECS_READ)
def show_template(org: str, owner: str, repo: str, actor: OrgActorDep, tx: TxDep) -> TemplateAnswer:
    """Show what a new spec begins with, filled with your name and today's date."""
    del org
    git.find_repository(tx, actor, repo, owner=owner)
    return TemplateAnswer(content=service.template(tx, actor))


@router.operation("POST", "/app/{org}/editor/{owner}/{repo}/parse", Permission.SPECS_READ, body_limit=_LIMIT, only_reads=True)
def parse_text(org: str, owner: str, repo: str, body: ContentRequest, *, actor: OrgActorDep, tx: TxDep) -> ParsedAnswer:
    """Parse a text that is being edited: its sections, and what is wrong with it."""
    del org
    git.find_repository(tx, actor, repo, owner=owner)
    document = service.parsed(check_content(body.content))
    return ParsedAnswer(
        sections=[section_body(section) for section in document.sections],
        diagnostics=[{**asdict(found), "severity": str(found.severity)} for found in document.diagnostics],
    )


@router.operation(
    "POST", "/app/{org}/editor/{owner}/{repo}/preview", Permission.SPECS_READ, body_limit=_LIMIT, only_reads=True,
    response_model=RenderedAnswer, responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def preview_text(org: str, owner: str, repo: str, body: ContentRequest, *, request: Request, actor: OrgActorDep, tx: TxDep) -> Response:
    """Show a text that is being edited as HTML that is safe to put into a page; a fragment of HTML unless JSON is asked for."""
    del org
    repository = git.find_repository(tx, actor, repo, owner=owner)
    html = service.preview(check_content(body.content), specs.place_of(repository, ""))
    return JSONResponse({"html": html}) if "application/json" in request.headers.get("accept", "") else HTMLResponse(html)


@router.operation("GET", f"{_FILE}/json", Permission.SPECS_READ, errors=(409, 413))
def load_file(org: str, owner: str, repo: str, file_path: FilePath, *, actor: OrgActorDep, services: ServicesDep) -> FileAnswer:
    """Load a file as it stands on the default branch, with the blob id that a save has to name."""
    del org
    content, sha = service.load(services, actor, owner, repo, file_path)
    return FileAnswer(content=content, sha=sha)


@router.operation("POST", f"{_FILE}/save", Permission.SPECS_WRITE, body_limit=_LIMIT, errors=(409, 413, 503))
def save_file(
    org: str, owner: str, repo: str, file_path: FilePath, *, body: SaveRequest, actor: OrgActorDep, services: ServicesDep
) -> SavedAnswer:
    """Save a file: a commit on the default branch. Of two saves from one version one wins.

    The other gets 409 `conflict` with `server_content` and `server_sha`: what is there now, null when the file is gone.
    """
    del org
    edit = service.checked(file_path, body.content, body.sha, body.message)
    return SavedAnswer(sha=service.save(services, actor, owner, repo, edit))


@router.operation("POST", f"{_FILE}/save-pr", Permission.SPECS_WRITE, body_limit=_LIMIT, errors=(409, 413, 503))
def propose_file(
    org: str, owner: str, repo: str, file_path: FilePath, *, body: SavePullRequest, actor: OrgActorDep, services: ServicesDep
) -> ProposedAnswer:
    """Save a file to a branch of its own and open a pull request; the default branch is not touched."""
    del org
    edit = service.checked(file_path, body.content, body.sha, body.message)
    wish = Proposal(body.branch_name, body.pr_title, body.pr_body)
    repository, number = service.propose(services, actor, (owner, repo), edit, wish)
    return ProposedAnswer(pr_number=number, pr_url=git.pull_url(repository, number, services.settings))
