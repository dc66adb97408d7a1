"""HTTP for the search."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from canonry.core.access import Permission
from canonry.features.search import service
from canonry.features.search.models import Wanted
from canonry.features.search.schemas import SearchAnswer, answer_of
from canonry.http.deps import OrgActorDep, ServicesDep, TxDep
from canonry.http.routing import Routes

router = Routes(tags=["JSON API"])


class SearchQuery(BaseModel):
    """What is searched; filters narrow it together. Letter case does not matter."""

    q: str = Field(
        "",
        max_length=1000,
        description="words, as they are or as beginnings; where no document has all, those with most of them are found",
    )
    team: str | None = Field(None, max_length=200)
    status: str | None = Field(None, max_length=200, description="of the document or of one of its sections")
    tag: str | None = Field(None, max_length=200)
    repo: str | None = Field(None, max_length=200, description="owner/name, or a name")
    review_status: str | None = Field(None, max_length=200)
    limit: int = Field(20, description="1 to 100; what lies outside counts as the nearest")
    offset: int = Field(0, description="how many results to leave out; below 0 counts as 0")


@router.operation("GET", "/app/{org}/api/search", Permission.SPECS_READ)
def search(org: str, query: Annotated[SearchQuery, Query()], actor: OrgActorDep, tx: TxDep, services: ServicesDep) -> SearchAnswer:
    """Search titles, headings, criteria and text of everything that is indexed."""
    del org
    wanted = Wanted(
        _clean(query.q) or "", _clean(query.team), _clean(query.status), _clean(query.tag), _clean(query.repo), _clean(query.review_status),
        query.limit, min(query.offset, 1_000_000),
    )  # fmt: skip
    return answer_of(service.search(tx, actor, services.home, wanted))


def _clean(text: str | None) -> str | None:
    """Return text that can be a parameter of a query: PostgreSQL keeps no NUL."""
    return None if text is None else text.replace("\0", " ").encode("utf-8", "replace").decode()
