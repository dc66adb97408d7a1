"""The query parameters of every list: `limit` and `cursor`."""

from typing import Annotated

from fastapi import Depends, Query

from canonry.core.paging import Page, parse_page

LIMIT = 100


def _page_of(limit: Annotated[int, Query(ge=1, le=LIMIT)] = 50, cursor: Annotated[str | None, Query(max_length=200)] = None) -> Page:
    return parse_page(limit, cursor)


PageDep = Annotated[Page, Depends(_page_of)]
