"""Writing untrusted trees to disk: nothing outside the target folder is ever touched."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canonry.core.errors import Invalid, Issue

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class TreeWriter:
    """Writes folders and files below `target`, and symlinks only at the very end, so that nothing is written through one."""

    def __init__(self, target: Path) -> None:
        self._root = os.fsencode(target)
        self._links: dict[bytes, bytes] = {}

    def add_folder(self, path: bytes) -> None:
        """Make the folder `path` (relative; empty: the target itself) and those above it. Raises: Invalid `unsafe_tree`."""
        with _faults_named(path):
            self._path(path).mkdir(parents=True, exist_ok=True)

    @contextmanager
    def new_file(self, path: bytes, *, executable: bool) -> Iterator[int]:
        """Make the file `path` and give its descriptor for writing. Raises: Invalid `unsafe_tree` (it exists already, too long)."""
        with _faults_named(path):
            descriptor = os.open(self._root + b"/" + path, _NEW_FILE, 0o755 if executable else 0o644)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def add_link(self, path: bytes, destination: bytes) -> None:
        """Remember a symlink for `finish`."""
        self._links[path] = destination

    def finish(self) -> list[tuple[bytes, bytes]]:
        """Make the symlinks and take away those that lead outside; return these with their destinations.

        Raises: Invalid `unsafe_tree`.
        """
        for path, destination in self._links.items():
            with _faults_named(path):
                self._path(path).symlink_to(os.fsdecode(destination))
        root = os.path.realpath(self._root)
        leaving = [(path, to) for path, to in self._links.items() if to.startswith(b"/") or _is_outside(root, path)]
        for path, _ in leaving:
            self._path(path).unlink()
        return leaving

    def _path(self, path: bytes) -> Path:
        return Path(os.fsdecode(self._root + b"/" + path))


def write_all(descriptor: int, data: bytes) -> None:
    """Write the whole of `data`, however the system cuts it."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def check_name(name: bytes) -> bytes:
    """Return the name of a file in a tree when it is one name and harmless. Raises: Invalid `unsafe_tree`."""
    if name in {b"", b".", b".."} or b"/" in name or b"\0" in name or name.lower() == b".git":
        raise unsafe_tree(name, "the name is not allowed")
    return name


def unsafe_tree(path: bytes, fault: str) -> Invalid:
    """Return the error for an entry of a tree that is not written."""
    return Invalid("unsafe_tree", f"The repository's file {shown(path)} cannot be written: {fault}.", hint="Remove it from the repository.",
                   issues=[Issue(shown(path), fault, "path")])  # fmt: skip


def shown(path: bytes) -> str:
    """Return a path fit for a message."""
    text = path.decode(errors="replace")
    return text if text.isprintable() else repr(text)


def _is_outside(root: bytes, path: bytes) -> bool:
    # Resolved on the disk, not by its letters: `a/..` is elsewhere when `a` is a symlink itself.
    real = os.path.realpath(root + b"/" + path)
    return real != root and not real.startswith(root.rstrip(b"/") + b"/")


@contextmanager
def _faults_named(path: bytes) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise unsafe_tree(path, "another entry has the same name") from error
    except OSError as error:
        if error.errno not in {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}:
            raise
        raise unsafe_tree(path, "the name is too long or not allowed here") from error
