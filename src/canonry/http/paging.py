"""The query parameters of every list: `limit` and `cursor`."""

from typing import Annotated

from fastapi import Depends, Query, Request

from canonry.core.paging import Page, Signer, parse_page
from canonry.http.conduct import Unread
from canonry.http.deps import actor_of, services_of

LIMIT = 100

_Limit = Annotated[int, Query(ge=1, le=LIMIT, description="how many rows a page has at most")]
_Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before; absent for the newest page")]


# Async, although they wait for nothing: FastAPI would go to another thread for a plain function. Who calls is known in the route's own
# thread only (http/conduct.py), so what depends on it is made there.


async def _signer_of(request: Request) -> Unread:
    return Unread(lambda: _signer(request))


async def _page_of(request: Request, limit: _Limit = 50, cursor: _Cursor = None) -> Unread:
    return Unread(lambda: parse_page(limit, cursor, _signer(request)))


def _signer(request: Request) -> Signer:
    key = services_of(request).vault.key_for("cursors")
    return Signer(key, f"{actor_of(request).organization_id} {request.scope['path']}")


SignerDep = Annotated[Signer, Depends(_signer_of)]
"""Signs the cursors of the list that is asked for, where its route reads `limit` and `cursor` itself."""


PageDep = Annotated[Page, Depends(_page_of)]
