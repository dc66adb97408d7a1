"""Opening a bare repository with libgit2: its own settings count, nobody else's; what is written is on the disk before the ref moves."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from canonry.core.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from pygit2 import Repository

_settings = threading.Lock()
_is_set = False


@contextmanager
def open_repository(repository: Path) -> Iterator["Repository"]:
    """Open a bare repository. Raises: NotFound `no_repository`; Unavailable `repository_damaged` for what libgit2 says in between."""
    import pygit2  # noqa: PLC0415 -- 20 ms and some memory that a Canonry without specs does not need

    _set(pygit2)
    if not (repository / "HEAD").is_file():
        raise NotFound("no_repository", "Nothing was pushed to this repository yet.", hint="Push to it: git push canonry main")
    try:
        opened = pygit2.Repository(str(repository))
        try:
            yield opened
        finally:
            opened.free()
    except pygit2.GitError as error:
        raise Unavailable(
            "repository_damaged", f"The repository cannot be read: {error}", hint="`git fsck` in it shows what is wrong."
        ) from error


def _set(pygit2: object) -> None:
    """Set what libgit2 keeps for the whole process, once."""
    global _is_set  # noqa: PLW0603 -- libgit2's own settings are global as well
    with _settings:
        if not _is_set:
            settings = pygit2.settings  # type: ignore[attr-defined]
            settings.owner_validation = False  # all repositories are ours, whoever's uid made them
            settings.enable_fsync_gitdir(True)  # noqa: FBT003 -- its own form
            for level in (1, 2, 3, 4):  # programdata, system, xdg, global: git's settings of this machine and this user
                settings.search_path[level] = "/dev/null"
            _is_set = True
