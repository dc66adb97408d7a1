"""Shapes of answers about specifications, as the seed has them."""

from typing import Any, Literal

from pydantic import BaseModel, Field
from pydantic_core import to_json

from canonry.core.settings import Settings
from canonry.features import git
from canonry.features.specs.models import Index, Listing, Run, Shown, Summary, Tasks
from canonry.infra.written import with_lists
from canonry.specs.changes import Change, Entry, prose
from canonry.specs.models import Criterion, Frontmatter, Section


class StatusBody(BaseModel):
    """How far a section is."""

    state: str
    blocked_by: str | None = None


class EvidenceBody(BaseModel):
    """Where a criterion is realized."""

    source: str
    file: str
    lines: str | None
    line: int


class CriterionBody(BaseModel):
    """An acceptance criterion. id: stable; what it was called when it first stood there."""

    id: str
    text: str
    checked: bool
    strength: str | None
    line: int
    evidence: list[EvidenceBody] = []


class TicketBody(BaseModel):
    """Where a section stands in a tracker."""

    system: str
    ticket_id: str
    url: str | None


class ScenarioBody(BaseModel):
    """A story in steps."""

    name: str
    steps: list[str]


class SectionBody(BaseModel):
    """A part of a spec."""

    id: str
    section_number: str | None
    title: str
    depth: int
    start_line: int
    end_line: int
    status: StatusBody
    content: str
    prose_content: str
    delta: str | None
    ticket_link: TicketBody | None
    acceptance_criteria: list[CriterionBody]
    scenarios: list[ScenarioBody]
    children: list["SectionBody"]


class FrontmatterBody(BaseModel):
    """What stands at the top of a spec, with defaults."""

    title: str
    status: str
    type: str
    owner: str
    team: str
    ticket_project: str | None
    created: str | None
    updated: str | None
    tags: list[str]
    depends_on: list[str]
    supersedes: str | None
    review_status: str | None
    sync: str
    ai_exposure: str | None


class DiagnosticBody(BaseModel):
    """Something that is not as it should be."""

    rule: str
    severity: str
    message: str
    hint: str
    line: int
    column: int


class DocumentBody(BaseModel):
    """A parsed spec."""

    file_path: str
    sha: str = Field(description="git's blob id")
    frontmatter: FrontmatterBody
    sections: list[SectionBody]
    diagnostics: list[DiagnosticBody]
    raw: str


class SpecAnswer(BaseModel):
    """A spec with everything in it. broken_sections: ids of sections whose ticket is gone."""

    document: DocumentBody
    rendered_html: str
    repo_owner: str
    repo_name: str
    github_url: str | None
    config: dict[str, Any]
    broken_sections: list[str]


class DocAnswer(BaseModel):
    """Any Markdown file."""

    path: str
    title: str
    rendered_html: str
    repo_owner: str
    repo_name: str
    github_url: str | None
    doc_type: str


class SpecSummary(BaseModel):
    """A spec as lists show it."""

    file_path: str
    title: str
    status: str | None
    owner: str
    team: str
    tags: list[str]
    total_sections: int
    done_sections: int
    total_ac: int
    done_ac: int
    realized_ac: int
    review_status: str | None
    problems: int = Field(description="how many diagnostics its file has")
    is_indexed: bool = True


class DocFile(BaseModel):
    """A Markdown file that is no spec."""

    path: str
    name: str
    github_url: str | None
    title: str
    doc_type: str
    is_indexed: bool = True


class RepoSummary(BaseModel):
    """A repository with its specs and other documents."""

    owner: str
    repo: str
    full_name: str
    description: str
    default_branch: str
    has_specs: bool
    spec_count: int
    specs: list[SpecSummary]
    config: dict[str, Any] | None
    config_diagnostics: list[DiagnosticBody] = Field(description="what is wrong in CANON.yaml")
    docs: list[DocFile]
    indexed_commit: str | None


class TaskBody(BaseModel):
    """A section that is to be done."""

    section_id: str
    section_number: str | None
    title: str
    status: str
    blocked_by: str | None
    total_ac: int
    done_ac: int
    ticket_system: str | None
    ticket_id: str | None
    spec_title: str
    spec_file_path: str
    repo_owner: str
    repo_name: str
    line: int
    acceptance_criteria: list[dict[str, Any]]


class TasksAnswer(BaseModel):
    """What there is to do."""

    tasks: list[TaskBody]
    total: int


class HistoryQuery(BaseModel):
    """Whose history is asked for, and how much of it."""

    of: str | None = Field(
        None, max_length=300, pattern=r"^[^\x00]*$", description="the id of a section or criterion, or a section's number"
    )
    limit: int = Field(50, ge=1, le=500)


class DifferenceQuery(BaseModel):
    """Between which two the difference is asked for."""

    before: str = Field(alias="from", max_length=200, description="a commit or a branch")
    after: str = Field(alias="to", max_length=200, description="a commit or a branch")


class ChangeBody(BaseModel):
    """One thing that is different. subject: document, section or criterion. what: added, removed, or the part that changed."""

    subject: str
    id: str
    section: str | None
    what: str
    before: str | None
    after: str | None
    line: int


class EntryBody(BaseModel):
    """A commit that changed what was asked for. says: what it said afterwards, null when it was gone."""

    commit: str
    author: str
    at: str
    subject: str
    changes: list[ChangeBody]
    says: str | None


class HistoryAnswer(BaseModel):
    """What became of a spec, or of a part of it, the newest first."""

    entries: list[EntryBody]


class FileDifference(BaseModel):
    """What is different in one spec."""

    file_path: str
    changes: list[ChangeBody]


class DifferenceAnswer(BaseModel):
    """What is different between two commits."""

    files: list[FileDifference]


class InstallationBody(BaseModel):
    """A connection to where repositories live. number: what GitHub calls the installation of the app; null where tokens act."""

    id: int
    host: str
    account: str
    number: int | None
    state: Literal["active", "suspended", "removed"]
    created_at: str


class RunBody(BaseModel):
    """One time that a repository was indexed."""

    id: int
    repository: str
    commit: str | None
    status: str
    changed: int
    removed: int
    error: str
    started_at: str
    ended_at: str | None


class IndexingAnswer(BaseModel):
    """The state of the index."""

    installations: list[InstallationBody]
    recent_jobs: list[RunBody]
    active_tasks: list[RunBody]


class ReindexedAnswer(BaseModel):
    """It was done."""

    ok: bool = True


def spec_answer(shown: Shown, html: str, url: str | None) -> SpecAnswer:
    """Return a spec as the API shows it."""
    parsed = shown.document
    if parsed is None:
        message = "a spec without a document"
        raise TypeError(message)
    return SpecAnswer(
        document=DocumentBody(
            file_path=shown.summary.path, sha=shown.summary.sha, frontmatter=frontmatter_body(parsed.frontmatter),
            sections=[section_body(section, shown.names) for section in parsed.sections],
            diagnostics=[
                DiagnosticBody(rule=found.rule, severity=str(found.severity), message=found.message, hint=found.hint, line=found.line,
                               column=found.column)
                for found in parsed.diagnostics
            ],
            raw=shown.text,
        ),
        rendered_html=html, repo_owner=shown.repository.owner, repo_name=shown.repository.name, github_url=url, config=shown.config,
        broken_sections=[
            section.id for section in parsed.walk() if section.ticket and (section.ticket.system, section.ticket.id) in shown.broken
        ],
    )  # fmt: skip


def frontmatter_body(front: Frontmatter) -> FrontmatterBody:
    """Return the top of a spec as the API shows it."""
    return FrontmatterBody(
        title=front.title, status=front.status, type=front.type, owner=front.owner, team=front.team, ticket_project=front.ticket_project,
        created=front.created, updated=front.updated, tags=list(front.tags), depends_on=list(front.depends_on),
        supersedes=front.supersedes, review_status=front.review_status, sync=front.sync, ai_exposure=front.ai_exposure,
    )  # fmt: skip


def section_body(section: Section, names: dict[str, str]) -> SectionBody:
    """Return a section with its children. names: criterion id → what it was called first."""
    ticket = section.ticket
    return SectionBody(
        id=section.id, section_number=section.number, title=section.title, depth=section.depth, start_line=section.start_line,
        end_line=section.end_line, status=StatusBody(state=str(section.status.state), blocked_by=section.status.blocked_by),
        content=section.content, prose_content=prose(section), delta=section.delta.kind if section.delta else None,
        ticket_link=TicketBody(system=ticket.system, ticket_id=ticket.id, url=ticket.url) if ticket else None,
        acceptance_criteria=[criterion_body(item, names) for item in section.criteria],
        scenarios=[
            ScenarioBody(name=item.name, steps=[f"{step.keyword} {step.text}" for step in item.steps]) for item in section.scenarios
        ],
        children=[section_body(child, names) for child in section.children],
    )  # fmt: skip


def criterion_body(criterion: Criterion, names: dict[str, str]) -> CriterionBody:
    """Return a criterion as the API shows it."""
    return CriterionBody(
        id=names.get(criterion.id, criterion.id), text=criterion.text, checked=criterion.checked, strength=criterion.strength,
        line=criterion.line,
        evidence=[EvidenceBody(source=item.source, file=item.path, lines=item.lines, line=item.line) for item in criterion.evidence],
    )  # fmt: skip


def doc_answer(shown: Shown, html: str, url: str | None) -> DocAnswer:
    """Return a document as the API shows it."""
    return DocAnswer(
        path=shown.summary.path, title=shown.summary.title, rendered_html=html, repo_owner=shown.repository.owner,
        repo_name=shown.repository.name, github_url=url, doc_type=shown.summary.doc_type,
    )  # fmt: skip


def repo_summary(repository: git.Repository, listing: Listing, index: Index | None, settings: Settings) -> bytes:
    """Return a repository with its documents, a `RepoSummary`."""
    shown = RepoSummary(
        owner=repository.owner, repo=repository.name, full_name=repository.full_name, description=repository.description,
        default_branch=repository.default_branch, has_specs=bool(listing.specs), spec_count=len(listing.specs), specs=[],
        config=dict(index.config) if index is not None and index.config else None,
        config_diagnostics=[DiagnosticBody.model_validate(item) for item in index.diagnostics] if index is not None else [],
        indexed_commit=index.commit if index else None,
        docs=[
            DocFile(path=row.path, name=row.path.rpartition("/")[2], github_url=git.file_url(repository, settings, row.path),
                    title=row.title, doc_type=row.doc_type)
            for row in listing.others
        ],
    )  # fmt: skip
    return with_lists(shown, specs=[spec.text for spec in listing.specs])


def spec_summary(row: Summary) -> SpecSummary:
    """Return a spec as lists show it."""
    return SpecSummary(
        file_path=row.path, title=row.title, status=row.status, owner=row.owner, team=row.team, tags=row.tags,
        total_sections=row.total_sections, done_sections=row.done_sections, total_ac=row.total_ac, done_ac=row.done_ac,
        realized_ac=row.realized_ac, review_status=row.review_status, problems=row.problems,
    )  # fmt: skip


def tasks_json(found: Tasks) -> bytes:
    """Return tasks as the API shows them, a `TasksAnswer`: a model for each of 2,000 rows took ten times as long."""
    tasks = []
    for row in found.rows:
        place = row.pop("document_id"), row.pop("position")
        repository = found.repositories.get(row.pop("repository_id"))
        if repository is not None:
            row |= {"repo_owner": repository.owner, "repo_name": repository.name}
            tasks.append({**row, "acceptance_criteria": found.criteria.get(place, [])})
    return to_json({"tasks": tasks, "total": found.total})


def history_answer(entries: list[Entry]) -> HistoryAnswer:
    """Return a history as the API shows it."""
    return HistoryAnswer(entries=[
        EntryBody(commit=item.commit, author=item.author, at=item.when, subject=item.message, says=item.says,
                  changes=[change_body(change) for change in item.changes])
        for item in entries
    ])  # fmt: skip


def difference_answer(files: list[tuple[str, list[Change]]]) -> DifferenceAnswer:
    """Return what differs as the API shows it."""
    return DifferenceAnswer(
        files=[FileDifference(file_path=path, changes=[change_body(item) for item in changes]) for path, changes in files]
    )


def change_body(change: Change) -> ChangeBody:
    """Return one difference as the API shows it."""
    return ChangeBody(
        subject=change.subject, id=change.id, section=change.section, what=change.what, before=change.before, after=change.after,
        line=change.line,
    )  # fmt: skip


def indexing_answer(installations: list[git.Installation], runs: list[Run]) -> IndexingAnswer:
    """Return the state of the index as the API shows it."""
    bodies = [
        RunBody(id=run.id, repository=run.repository, commit=run.commit, status=run.status, changed=run.changed, removed=run.removed,
                error=run.error, started_at=run.started_at.isoformat(), ended_at=run.ended_at.isoformat() if run.ended_at else None)
        for run in runs
    ]  # fmt: skip
    return IndexingAnswer(
        installations=[_installation(item) for item in installations],
        recent_jobs=bodies,
        active_tasks=[body for body in bodies if body.status == "running"],
    )


def _installation(item: git.Installation) -> InstallationBody:
    return InstallationBody(
        id=item.id, host=item.host, account=item.account, number=item.number, created_at=item.created_at.isoformat(),
        state="removed" if item.is_removed else "suspended" if item.is_suspended else "active",
    )  # fmt: skip
