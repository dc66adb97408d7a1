"""Checkouts: a commit's tree as plain files, written straight from the objects, without an index and without git's work tree code.

No filter, hook or attribute of the repository takes part: what is written is what is stored, byte for byte.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from canonry.core.errors import CanonryError, Invalid, NotFound, TooLarge
from canonry.core.paths import Home
from canonry.features.git.mirrors import fetch_mirror, mark_damaged
from canonry.features.git.models import Commit, RepositoryAccess
from canonry.features.git.objects import Entry, ObjectReader, damaged, open_objects
from canonry.features.git.submodules import MAX_DEPTH, MAX_SUBMODULES, Submodule, find_submodules
from canonry.features.git.targets import PUBLIC, Targets
from canonry.features.git.tree_writer import TreeWriter, check_name, shown, write_all

type LogLine = Callable[[str], None]

MAX_ENTRIES = 300_000
MAX_BYTES = 4 << 30
_BATCH = 400
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_LINK, _FOLDER, _SUBMODULE, _EXECUTABLE = "120000", "40000", "160000", "100755"


def checkout(
    repository: Path, commit: str, target: Path, log: LogLine, *, home: Home, url: str | None = None,
    access: RepositoryAccess | None = None, targets: Targets = PUBLIC,
) -> str:  # fmt: skip
    """Write the tree of `commit` (full id) into the folder `target`, which is empty or not there yet, and return the tree's id.

    Executable bits and symlinks are kept; a symlink that leads out of `target` is left out, with a line in the log. Submodules are
    fetched through mirrors under `home`; relative addresses start at `url`, the address `repository` was fetched from, and those on its
    own server are read with `access` too. targets: which servers inside this network may be asked for them.
    Raises: NotFound `commit_not_found`; Invalid `unsafe_tree`, `unsafe_submodule`, `submodules_too_deep`; TooLarge `source_too_large`;
    Unavailable `repository_damaged`; and for submodules what `fetch_mirror` raises.
    """
    fetch = partial(fetch_mirror, home, log=log, access=access, targets=targets)
    job = _Checkout(home, TreeWriter(target), log, fetch)
    tree = job.write(repository, commit, b"", url, depth=0)
    job.finish()
    return tree


def tree_of(repository: Path, commit: str) -> str:
    """Return the id of the tree of `commit` (full id). Raises: NotFound `commit_not_found`."""
    with open_objects(repository) as objects:
        found = objects.commit(commit)
    if found is None:
        raise _no_commit(commit)
    return found.tree


class _Checkout:
    """One checkout under way, over all its submodules."""

    def __init__(self, home: Home, writer: TreeWriter, log: LogLine, fetch: Callable[[str, str], tuple[Path, Commit]]) -> None:
        self._home = home
        self._writer = writer
        self._log = log
        self._fetch = fetch
        self._entries = self._size = self._pointers = self._submodules = 0

    def write(self, repository: Path, commit: str, prefix: bytes, url: str | None, depth: int) -> str:
        """Write one repository's tree below `prefix` (empty, or ending with a slash) and return the tree's id."""
        try:
            with open_objects(repository) as objects:
                found = objects.commit(commit)
                if found is None:
                    raise _no_commit(commit)
                files, links = self._walk(objects, found.tree, prefix)
                for start in range(0, len(files), _BATCH):
                    self._write_batch(objects, files[start : start + _BATCH])
        except CanonryError as error:
            if error.code == "repository_damaged":
                mark_damaged(self._home, repository)
            raise
        for submodule in find_submodules(repository, found.sha, links, url):
            self._write_submodule(submodule, prefix, depth)
        return found.tree

    def finish(self) -> None:
        """Make the symlinks, and say in the log what was left out."""
        for path, destination in self._writer.finish():
            self._log(f"Left out the symlink {shown(path)} -> {shown(destination)}: it leads out of the repository")
        if self._pointers:
            self._log(f"{self._pointers} files are Git LFS pointers; their content is not fetched (Git LFS is not supported yet)")

    def _walk(self, objects: ObjectReader, tree: str, prefix: bytes) -> tuple[list[tuple[bytes, Entry]], dict[bytes, str]]:
        """Make all folders; return the files and symlinks with their paths, and the links to submodules (without the prefix)."""
        files: list[tuple[bytes, Entry]] = []
        links: dict[bytes, str] = {}
        waiting = [(prefix, tree)]
        while waiting:
            folder, sha = waiting.pop()
            self._writer.add_folder(folder)
            for entry in objects.tree(sha):
                path = folder + check_name(entry.name)
                self._count_entry()
                if entry.mode == _FOLDER:
                    waiting.append((path + b"/", entry.sha))
                elif entry.mode == _SUBMODULE:
                    self._writer.add_folder(path)
                    links[path.removeprefix(prefix)] = entry.sha
                else:
                    files.append((path, entry))
        return files, links

    def _write_batch(self, objects: ObjectReader, batch: list[tuple[bytes, Entry]]) -> None:
        objects.ask([entry.sha for _, entry in batch])
        for path, entry in batch:
            header = objects.header()
            if header is None or header.kind != "blob":
                raise damaged(f"the file {shown(path)} is missing")
            self._count_bytes(header.size)
            if entry.mode == _LINK:
                self._writer.add_link(path, objects.content(header))
                continue
            with self._writer.new_file(path, executable=entry.mode == _EXECUTABLE) as descriptor:
                if header.size < 1024:
                    data = objects.content(header)
                    self._pointers += data.startswith(_POINTER)
                    write_all(descriptor, data)
                else:
                    objects.copy(header, partial(write_all, descriptor))

    def _write_submodule(self, submodule: Submodule, prefix: bytes, depth: int) -> None:
        path = prefix + submodule.path
        self._submodules += 1
        if depth >= MAX_DEPTH or self._submodules > MAX_SUBMODULES:
            raise Invalid("submodules_too_deep", f"The submodule {shown(path)} lies too deep, or there are too many.",
                          hint=f"At most {MAX_DEPTH} levels and {MAX_SUBMODULES} submodules are fetched.")  # fmt: skip
        self._log(f"Submodule {shown(path)}")
        mirror, found = self._fetch(submodule.url, submodule.commit)
        self.write(mirror, found.sha, path + b"/", submodule.url, depth + 1)

    def _count_entry(self) -> None:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise TooLarge("source_too_large", f"The commit has more than {MAX_ENTRIES} files and folders.",
                           hint="Leave generated files out of the repository.")  # fmt: skip

    def _count_bytes(self, size: int) -> None:
        self._size += size
        if self._size > MAX_BYTES:
            raise TooLarge("source_too_large", f"The files of the commit have more than {MAX_BYTES >> 30} GiB together.",
                           hint="Leave large files out of the repository.")  # fmt: skip


def _no_commit(commit: str) -> NotFound:
    return NotFound("commit_not_found", f"The repository has no commit {commit!r}.", hint="Push or fetch it first.")
