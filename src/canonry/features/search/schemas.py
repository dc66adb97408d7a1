"""Shapes of the answer of a search."""

from pydantic import BaseModel, Field

from canonry.features.search.models import Result, Results


class SearchResult(BaseModel):
    """A document that fits, with the section that fits best."""

    repo_owner: str
    repo_name: str
    repo: str
    file_path: str
    title: str
    doc_type: str
    status: str | None
    section_id: str | None
    section_number: str | None
    section_status: str | None
    heading: str | None = Field(description="of the section, with `(+n more matches)` when others fit as well")
    line: int | None
    snippet: str = Field(description="HTML: escaped, the words found in <mark>")
    score: float | None
    owner: str
    team: str
    tags: list[str]
    review_status: str | None


class SearchFacets(BaseModel):
    """How many specs there are of each, over everything the caller may see."""

    status: dict[str, int]
    repo: dict[str, int]
    team: dict[str, int]
    tag: dict[str, int]


class SearchAnswer(BaseModel):
    """What was found. total: without limit and offset. corrected: what was searched instead of words that stand nowhere."""

    results: list[SearchResult]
    total: int
    facets: SearchFacets
    corrected: dict[str, list[str]]
    relaxed: bool = Field(description="no document has every word; these have most of them")


def answer_of(results: Results) -> SearchAnswer:
    """Return what was found as the API shows it."""
    return SearchAnswer(
        results=[_body(item) for item in results.results], total=results.total, facets=SearchFacets(**results.facets),
        corrected=results.corrected, relaxed=results.is_relaxed,
    )  # fmt: skip


def _body(item: Result) -> SearchResult:
    row, part = item.found, item.part
    heading = None
    if part is not None and part.title:
        heading = (f"{part.number}. {part.title}" if part.number else part.title) + (f" (+{item.more} more matches)" if item.more else "")
    return SearchResult(
        repo_owner=item.repository.owner, repo_name=item.repository.name, repo=item.repository.full_name, file_path=row.path,
        title=row.title, doc_type=row.doc_type, status=row.status, section_id=part.section_id if part else None,
        section_number=part.number if part else None, section_status=part.status if part else None, heading=heading,
        line=part.start_line if part else None, snippet=item.snippet, score=row.score, owner=row.owner, team=row.team, tags=row.tags,
        review_status=row.review_status,
    )  # fmt: skip
