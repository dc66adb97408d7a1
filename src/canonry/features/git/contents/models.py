"""What is read from a repository, and what is written to it."""

import hashlib
import re
from dataclasses import dataclass

from canonry.core.errors import Conflict
from canonry.features.git.errors import stale_file


@dataclass(frozen=True)
class TreeFile:
    """One entry of a commit's tree. is_file: False for a symlink or a submodule, which nobody follows."""

    path: str
    sha: str
    is_file: bool


@dataclass(frozen=True)
class File:
    """A file as it stands in a commit. sha: its blob id. commit: where it was read."""

    path: str
    content: bytes
    sha: str
    commit: str


@dataclass(frozen=True)
class Change:
    """What became of one path between two commits. sha: the blob that is there now, None when there is none any more."""

    path: str
    sha: str | None
    is_file: bool = True


@dataclass(frozen=True)
class Author:
    """Who wrote a commit. Letters that git cannot keep in a name (`<`, `>`, line ends) are left out."""

    name: str
    email: str

    @property
    def plain_name(self) -> str:
        """The name as git takes it; never empty."""
        return re.sub(r"[<>\x00-\x1f\x7f]", "", self.name).strip(" .,:;\"'") or "unknown"

    @property
    def plain_email(self) -> str:
        """The address as git takes it; never empty."""
        return re.sub(r"[<>\x00-\x20\x7f]", "", self.email) or "unknown@localhost"


@dataclass(frozen=True)
class Written:
    """A commit that was made. before: where the branch stood (None: it was born). shas: path → blob id, None for a removed file."""

    commit: str
    before: str | None
    shas: dict[str, str | None]


class StaleFile(Conflict):
    """Somebody else changed the file: `found` is what is there now, None when it is gone."""

    def __init__(self, path: str, found: File | None) -> None:
        error = stale_file(path, gone=found is None)
        super().__init__(error.code, error.message, hint=error.hint)
        self.found = found


def blob_id(content: bytes) -> str:
    """Return the id that git gives a file of this content."""
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()
