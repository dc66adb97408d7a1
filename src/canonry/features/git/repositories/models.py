"""A repository as it is known."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from canonry.core.errors import Invalid, Issue

HERE: Final = "canonry"
GITHUB: Final = "github"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class Repository:
    """A repository that Canonry hosts, or one that lives at a host (GitHub) and is read through a mirror.

    owner: the handle of its organization, or the account that has it at its host. name: of its project its slug, else its own.
    head: the commit of the default branch that was last announced, None before the first push.
    host: `canonry` or `github`; number: what it is called there whatever its name. problem: what went wrong when its host was asked last.
    is_suspended: the host lets us do nothing there for now. is_removed: the host gives it to us no longer.
    """

    id: str
    organization_id: str
    owner: str
    name: str
    project_id: str | None
    default_branch: str
    description: str
    head: str | None
    created_at: datetime
    host: Literal["canonry", "github"] = HERE
    number: int | None = None
    problem: str = ""
    is_suspended: bool = False
    is_removed: bool = False

    @property
    def is_elsewhere(self) -> bool:
        """Whether it lives at a host, which then says what becomes of it."""
        return self.host != HERE

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def folder(self) -> str:
        """What its bare repository is called on the disk."""
        return self.project_id or self.id


def check_name(name: str) -> str:
    """Return the name when a repository can have it. Raises: Invalid `invalid_repository_name`."""
    if not _NAME.fullmatch(name) or name.lower().endswith((".git", ".lock")) or ".." in name or name.endswith("."):
        raise Invalid(
            "invalid_repository_name", f"{name[:100]!r} cannot be the name of a repository.",
            hint="Take letters, digits, `-`, `_` and `.`, at most 100, and no .git at the end.",
            issues=[Issue("body.name", "letters, digits, - _ and .", "name")],
        )  # fmt: skip
    return name
