"""Keyset paging: newest first, by creation time and id, with an opaque cursor that stays right while rows are added.

A cursor is signed and belongs to one list of one organization: what somebody has made up or taken from another list is refused.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from canonry.core.errors import Invalid, Issue

_SIGNATURE = 16  # bytes


class Listed(Protocol):
    """A row that can be paged: a unique id and the time it was made."""

    @property
    def id(self) -> str: ...  # noqa: D102 -- said above

    @property
    def created_at(self) -> datetime: ...  # noqa: D102 -- said above


@dataclass(frozen=True)
class Signer:
    """Signs the cursors of one list. key: secret; name: which list it is, and whose."""

    key: bytes = field(repr=False)
    name: str

    def write(self, text: str) -> str:
        """Return `text` as a cursor."""
        return base64.urlsafe_b64encode(self._signature(text.encode()) + text.encode()).decode().rstrip("=")

    def read(self, cursor: str) -> str:
        """Return the text of a cursor. Raises: ValueError when it is not one of this list."""
        if not cursor.isascii():
            raise ValueError(cursor)
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True)
        signature, text = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._signature(text)):
            raise ValueError(cursor)
        return text.decode()

    def _signature(self, text: bytes) -> bytes:
        return hmac.digest(self.key, self.name.encode() + b"\0" + text, hashlib.sha256)[:_SIGNATURE]


def _signer_of_nobody() -> Signer:
    return Signer(secrets.token_bytes(32), "")


@dataclass(frozen=True)
class Page:
    """One page asked for: at most `limit` rows, older than (`before`, `before_id`) when given.

    signer: signs the cursor of the next page; one that nobody else has, where no list of the API is read.
    """

    limit: int = 50
    before: datetime | None = None
    before_id: str | None = None
    signer: Signer = field(default_factory=_signer_of_nobody, repr=False, compare=False)


def parse_page(limit: int, cursor: str | None, signer: Signer) -> Page:
    """Read `limit` and `cursor`. Raises: Invalid `invalid_cursor`."""
    if cursor is None:
        return Page(limit, signer=signer)
    try:
        moment, _, row_id = signer.read(cursor).partition("|")
        before = datetime.fromisoformat(moment)
    except (ValueError, binascii.Error) as error:
        raise Invalid(
            "invalid_cursor", "That cursor is not one of this list.", hint="Pass `next_cursor` of the last answer back, unchanged.",
            issues=[Issue("query.cursor", "not a cursor of this list", "cursor")],
        ) from error  # fmt: skip
    return Page(limit, before, row_id, signer)


def cut[T: Listed](rows: Sequence[T], page: Page) -> tuple[Sequence[T], str | None]:
    """Take up to limit + 1 rows; return those of the page, and the cursor of the next one (None at the end)."""
    if len(rows) <= page.limit:
        return rows, None
    shown = rows[: page.limit]
    last = shown[-1]
    return shown, page.signer.write(f"{last.created_at.isoformat()}|{last.id}")
