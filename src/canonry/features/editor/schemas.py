"""Shapes of requests and answers of the editor, as the seed has them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from canonry.features import git, specs
from canonry.specs.models import Section


class EditableRepository(BaseModel):
    """A repository whose specs can be edited."""

    owner: str
    repo: str
    full_name: str
    description: str
    default_branch: str


class ContentRequest(BaseModel):
    """Body of parse and preview. content: the text of the file, at most 500,000 characters."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"content": "---\ntitle: Login\n---\n\n## 1. Passwords\n"}]})
    content: Any = Field(None, description="the text of the file, at most 500,000 characters", json_schema_extra={"type": "string"})


class SaveRequest(ContentRequest):
    """Body of save."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"content": "# Login\n", "sha": "8ab686eafeb1f44702738c8b0f24f2567c36da6d"}]})
    sha: str = Field("", max_length=64, description="the blob id it was made from; empty for a file that is new")
    message: str = Field("", max_length=5000, description="of the commit; `docs: update <path>` when empty")


class SavePullRequest(SaveRequest):
    """Body of save-pr."""

    branch_name: str = Field("", max_length=200, description="`canon/edit-` and eight digits when empty")
    pr_title: str = Field("", max_length=250)
    pr_body: str = Field("", max_length=60_000)


class TemplateAnswer(BaseModel):
    """What a new spec begins with."""

    content: str


class FileAnswer(BaseModel):
    """A file as it stands on the default branch. sha: git's blob id, to be sent back with a save."""

    content: str
    sha: str


class EditorCriterion(BaseModel):
    """A criterion in the editor."""

    id: str
    text: str
    checked: bool
    strength: str | None
    line: int


class EditorSection(BaseModel):
    """A section in the editor. status: a word, or `blocked:` and what by."""

    id: str
    section_number: str | None
    title: str
    depth: int
    content: str
    prose_content: str
    status: str
    acceptance_criteria: list[EditorCriterion]
    children: list["EditorSection"]
    ticket_link: dict[str, Any] | None


class ParsedAnswer(BaseModel):
    """The sections of a text, and what is wrong with it."""

    ok: bool = True
    sections: list[EditorSection]
    diagnostics: list[dict[str, Any]]


class RenderedAnswer(BaseModel):
    """A text as HTML that is safe to put into a page."""

    html: str


class SavedAnswer(BaseModel):
    """The file was saved. sha: its new blob id."""

    ok: bool = True
    sha: str


class ProposedAnswer(BaseModel):
    """The file was proposed."""

    ok: bool = True
    pr_number: int
    pr_url: str


def repository_body(repository: git.Repository) -> EditableRepository:
    """Return a repository as the editor lists it."""
    return EditableRepository(
        owner=repository.owner, repo=repository.name, full_name=repository.full_name, description=repository.description,
        default_branch=repository.default_branch,
    )  # fmt: skip


def section_body(section: Section) -> EditorSection:
    """Return a section as the editor shows it."""
    whole = specs.section_body(section, {})
    return EditorSection(
        id=section.id, section_number=section.number, title=section.title, depth=section.depth, content=section.content,
        prose_content=whole.prose_content, status=str(section.status),
        acceptance_criteria=[
            EditorCriterion(id=item.id, text=item.text, checked=item.checked, strength=item.strength, line=item.line)
            for item in section.criteria
        ],
        children=[section_body(child) for child in section.children],
        ticket_link=whole.ticket_link.model_dump() if whole.ticket_link else None,
    )  # fmt: skip
