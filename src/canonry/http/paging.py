"""The query parameters of every list: `limit` and `cursor`."""

from typing import Annotated

from fastapi import Depends, Query, Request

from canonry.core.paging import Page, Signer, parse_page
from canonry.http.deps import actor_of, services_of

LIMIT = 100

_Limit = Annotated[int, Query(ge=1, le=LIMIT, description="how many rows a page has at most")]
_Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before; absent for the newest page")]


# async, although they wait for nothing: FastAPI would go to another thread for a plain function


async def _signer_of(request: Request) -> Signer:
    key = services_of(request).vault.key_for("cursors")
    return Signer(key, f"{actor_of(request).organization_id} {request.scope['path']}")


SignerDep = Annotated[Signer, Depends(_signer_of)]
"""Signs the cursors of the list that is asked for, where its route reads `limit` and `cursor` itself."""


async def _page_of(signer: SignerDep, limit: _Limit = 50, cursor: _Cursor = None) -> Page:
    return parse_page(limit, cursor, signer)


PageDep = Annotated[Page, Depends(_page_of)]
