"""Rows of variables, and what somebody wants of one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from canonry.core.secret import Secret

ALL = "all"


@dataclass(frozen=True)
class Variable:
    """A variable of a project for one environment: `production`, `preview` (every preview), `preview/<branch>` (one) or `all`.

    sensitive: its value is never shown. for_build, for_run: who is given it. digest: equal for equal values within the project.
    """

    project_id: str
    environment: str
    key: str
    sealed_value: bytes
    digest: str
    sensitive: bool
    for_build: bool
    for_run: bool
    created_at: datetime
    updated_at: datetime
    updated_by: str

    @property
    def bound(self) -> str:
        """The words that its value is sealed with."""
        return f"variables {self.project_id} {self.environment} {self.key}"


@dataclass(frozen=True)
class Flags:
    """How a variable is treated; None leaves what is, or for a new one takes yes."""

    sensitive: bool | None = None
    build: bool | None = None
    run: bool | None = None


@dataclass(frozen=True)
class Entry:
    """A key with its value. path: where it stands in the request, for errors (`body.value`, `body.text line 3`)."""

    key: str
    value: Secret
    path: str = "body.value"


class Change(StrEnum):
    """What a write does, or would do, to one variable."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Difference:
    """What a write does to one key. digest: of the new value, was: of the former one, None for a new key. note: why it is skipped."""

    key: str
    change: Change
    digest: str
    was: str | None = None
    note: str = ""
