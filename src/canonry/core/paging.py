"""Keyset paging: newest first, by creation time and id, with an opaque cursor that stays right while rows are added."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from canonry.core.errors import Invalid, Issue


class Listed(Protocol):
    """A row that can be paged: a unique id and the time it was made."""

    @property
    def id(self) -> str: ...  # noqa: D102 -- said above

    @property
    def created_at(self) -> datetime: ...  # noqa: D102 -- said above


@dataclass(frozen=True)
class Page:
    """One page asked for: at most `limit` rows, older than (`before`, `before_id`) when given."""

    limit: int = 50
    before: datetime | None = None
    before_id: str | None = None


def parse_page(limit: int, cursor: str | None) -> Page:
    """Read `limit` and `cursor`. Raises: Invalid `invalid_cursor`."""
    if cursor is None:
        return Page(limit)
    try:
        moment, _, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        before = datetime.fromisoformat(moment)
    except (ValueError, binascii.Error) as error:
        raise _broken() from error
    if before.tzinfo is None or not row_id or "\0" in row_id:
        raise _broken()
    return Page(limit, before, row_id)


def cut[T: Listed](rows: Sequence[T], page: Page) -> tuple[Sequence[T], str | None]:
    """Take up to limit + 1 rows; return those of the page, and the cursor of the next one (None at the end)."""
    if len(rows) <= page.limit:
        return rows, None
    shown = rows[: page.limit]
    last = shown[-1]
    return shown, base64.urlsafe_b64encode(f"{last.created_at.isoformat()}|{last.id}".encode()).decode()


def _broken() -> Invalid:
    return Invalid("invalid_cursor", "That cursor is not one of ours.", hint="Pass `next_cursor` of the last answer back, unchanged.",
                   issues=[Issue("query.cursor", "not a cursor", "cursor")])  # fmt: skip
