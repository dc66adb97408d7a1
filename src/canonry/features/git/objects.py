"""Reading many objects from a repository through one `git cat-file --batch`."""

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from canonry.core.errors import Unavailable
from canonry.features.git.models import Commit
from canonry.infra.git import GitRun, end_git, start_git

_PIECE = 1 << 20
_WRITTEN_IN = re.compile(
    r"utf-?8|ascii|(iso-?8859-|latin)1|iso-?8859-15|(windows-|cp)125[0-8]|koi8-[ru]|euc-?(jp|kr)|shift_?jis|gbk|gb2312|gb18030|big5",
    re.IGNORECASE,
)
_SMALL_OBJECT = 16 << 20  # commits and trees larger than this are not made by people


@dataclass(frozen=True)
class Entry:
    """One line of a tree. mode: octal digits as git writes them (`100644`). name: bytes as they stand."""

    mode: str
    name: bytes
    sha: str


@dataclass(frozen=True)
class Header:
    """What comes next on the stream: an object's full id, kind (commit, tree, blob, tag) and size in bytes."""

    sha: str
    kind: str
    size: int


class ObjectReader:
    """An open repository. Objects come in the order they were asked for; each must be read whole before the next."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._stdin = stdin
        self._stream = stdout

    def ask(self, names: Sequence[str]) -> None:
        """Send the names of objects; at most 500 at once, or both sides would wait for each other."""
        self._stdin.write("".join(f"{name}\n" for name in names).encode())
        self._stdin.flush()

    def header(self) -> Header | None:
        """Return what the next object is, None when there is no such object. Raises: Unavailable `repository_damaged`."""
        line = self._stream.readline()
        words = line.decode(errors="replace").split()
        if len(words) == 3 and words[2].isdigit():
            return Header(words[0], words[1], int(words[2]))
        if line.endswith((b" missing\n", b" ambiguous\n")):
            return None
        raise damaged("an object cannot be read")

    def content(self, header: Header) -> bytes:
        """Return the object that `header` announced. Raises: Unavailable `repository_damaged`."""
        if header.size > _SMALL_OBJECT and header.kind != "blob":
            raise damaged(f"{header.kind} {header.sha} is too large")
        data = self._stream.read(header.size)
        self._end(header)
        return data

    def copy(self, header: Header, write: Callable[[bytes], object]) -> None:
        """Pass the object that `header` announced to `write`, at most 1 MiB at a time. Raises: Unavailable `repository_damaged`."""
        left = header.size
        while left:
            piece = self._stream.read(min(left, _PIECE))
            if not piece:
                raise damaged(f"{header.kind} {header.sha} breaks off")
            write(piece)
            left -= len(piece)
        self._end(header)

    def commit(self, name: str) -> Commit | None:
        """Return the commit that `name` (an id, or a full ref name) means, None when there is none; tags are followed."""
        self.ask([f"{name}^{{commit}}"])
        header = self.header()
        return None if header is None else _parse_commit(header.sha, self.content(header))

    def tree(self, sha: str) -> list[Entry]:
        """Return the entries of one tree. Raises: Unavailable `repository_damaged`."""
        self.ask([sha])
        header = self.header()
        if header is None or header.kind != "tree":
            raise damaged(f"tree {sha} is missing")
        return list(_parse_tree(self.content(header), len(sha) // 2))

    def blob(self, sha: str, limit: int) -> bytes:
        """Return a blob of at most `limit` bytes. Raises: Unavailable `repository_damaged`."""
        self.ask([sha])
        header = self.header()
        if header is None or header.kind != "blob" or header.size > limit:
            raise damaged(f"blob {sha} is missing or larger than {limit} bytes")
        return self.content(header)

    def _end(self, header: Header) -> None:
        if self._stream.read(1) != b"\n":
            raise damaged(f"{header.kind} {header.sha} breaks off")


@contextmanager
def open_objects(repository: Path) -> Iterator[ObjectReader]:
    """Open a repository for reading. Raises: Unavailable `git_missing`."""
    process = start_git([f"--git-dir={repository}", "cat-file", "--batch"], GitRun(), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        if process.stdin is None or process.stdout is None:
            raise damaged("no pipes")
        with process.stdin as stdin, process.stdout as stdout:
            try:
                yield ObjectReader(stdin, stdout)
            except BrokenPipeError as error:
                raise damaged("git ended early") from error
            finally:
                _close_quietly(stdin)
    finally:
        end_git(process)


def damaged(what: str) -> Unavailable:
    """Return the error for a repository on our disk that does not hold what it should."""
    return Unavailable("repository_damaged", f"The copy of the repository is damaged: {what}.",
                       hint="Deploy again: a mirror is then fetched anew; a pushed repository wants another `git push`.")  # fmt: skip


def _close_quietly(stdin: IO[bytes]) -> None:
    try:
        stdin.close()
    except BrokenPipeError:
        return  # git has ended first; what it said was read or missed already


def _parse_commit(sha: str, data: bytes) -> Commit:
    head, _, message = data.partition(b"\n\n")
    fields = dict(line.split(b" ", 1) for line in reversed(head.split(b"\n")) if b" " in line and not line.startswith(b" "))
    author = fields.get(b"author", b"").rsplit(b" ", 2)[0]
    encoding = fields.get(b"encoding", b"utf-8").decode("ascii", "replace")
    return Commit(sha, fields.get(b"tree", b"").decode("ascii", "replace"), _text(message, encoding).rstrip("\n"), _text(author, encoding))


def _text(data: bytes, encoding: str) -> str:
    """Return text in an encoding that people write in: whoever made the commit names it, and some of Python's fail or take hours."""
    text = data.decode(encoding if _WRITTEN_IN.fullmatch(encoding) else "utf-8", "replace")
    return text.replace("\0", "")  # PostgreSQL keeps no NUL


def _parse_tree(data: bytes, width: int) -> Iterator[Entry]:
    position = 0
    while position < len(data):
        space, zero = data.find(b" ", position), data.find(b"\0", position)
        if not position < space < zero or zero + width >= len(data) + 1:
            raise damaged("a tree cannot be understood")
        end = zero + 1 + width
        yield Entry(data[position:space].decode("ascii", "replace"), data[space + 1 : zero], data[zero + 1 : end].hex())
        position = end
