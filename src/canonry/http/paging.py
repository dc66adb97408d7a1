"""The query parameters of every list: `limit` and `cursor`."""

from typing import Annotated

from fastapi import Depends, Query, Request

from canonry.core.paging import Page, Signer, parse_page
from canonry.http.deps import actor_of, services_of

LIMIT = 100

_Limit = Annotated[int, Query(ge=1, le=LIMIT, description="how many rows a page has at most")]
_Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before; absent for the newest page")]


async def _page_of(request: Request, limit: _Limit = 50, cursor: _Cursor = None) -> Page:  # async: it waits for nothing
    key = services_of(request).vault.key_for("cursors")
    return parse_page(limit, cursor, Signer(key, f"{actor_of(request).organization_id} {request.scope['path']}"))


PageDep = Annotated[Page, Depends(_page_of)]
