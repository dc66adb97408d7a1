"""Reading commits of a bare repository: trees, files, many blobs at once, and what changed between two commits."""

from collections.abc import Generator, Iterable
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING

from canonry.core.errors import NotFound, TooLarge, Unavailable
from canonry.core.file_paths import parse_file_path
from canonry.core.refs import parse_branch
from canonry.features.git.contents.models import Change, File, TreeFile
from canonry.features.git.contents.opening import open_repository
from canonry.features.git.objects import open_objects
from canonry.infra.git import GitRun, run_git

if TYPE_CHECKING:
    import pygit2

_FILES = frozenset({"100644", "100755", "100664"})
_BATCH = 400  # names at once; more and both sides of the pipe would wait for each other
_LONG = 120.0
LARGEST = 4 << 20
"""Bytes of a file that is read whole; people write shorter ones."""


def files_at(repository: Path, commit: str) -> list[TreeFile]:
    """Return every file below a commit's tree, in git's order, names that are not UTF-8 left out (no link could name them).

    commit: a full id. Raises: Unavailable `repository_damaged`, `git_timeout`.
    """
    argv = [f"--git-dir={repository}", "ls-tree", "-r", "-z", "--full-tree", "--end-of-options", f"{commit}^{{tree}}"]
    result = run_git(argv, GitRun(timeout=_LONG))
    if result.code != 0:
        raise Unavailable("repository_damaged", f"The tree of {commit} cannot be read: {result.err[:300]}", hint="Push it again.")
    found = []
    for line in result.out.split(b"\0"):
        head, tab, name = line.partition(b"\t")
        if not tab:
            continue
        mode, kind, sha = head.decode("ascii").split()
        try:
            path = name.decode()
        except UnicodeDecodeError:
            continue
        found.append(TreeFile(path, sha, is_file=kind == "blob" and mode in _FILES))
    return found


def read_blobs(repository: Path, shas: Iterable[str], limit: int) -> Generator[tuple[str, bytes | None]]:
    """Give each blob with its content, in the order asked for; None for one that is larger than `limit` bytes or not there.

    One git process for all (10,000 blobs of a packed repository: 0.8 s). Raises: Unavailable `repository_damaged`.
    """
    with open_objects(repository) as objects:
        for group in batched(shas, _BATCH):
            objects.ask(group)
            for sha in group:
                header = objects.header()
                if header is None:
                    yield sha, None
                elif header.kind != "blob" or header.size > limit:
                    objects.copy(header, lambda _: None)
                    yield sha, None
                else:
                    yield sha, objects.content(header)


def file_at(repository: Path, ref: str, path: str) -> File:
    """Return one file as it stands in `ref` (a full commit id, or a branch).

    Raises: Invalid `invalid_path`, `invalid_ref`; NotFound `no_repository`, `ref_not_found`, `file_not_found` (also for links and folders);
    TooLarge `file_too_large` above `LARGEST`.
    """
    path = parse_file_path(path)
    with open_repository(repository) as opened:
        commit = commit_of(opened, ref)
        entry = entry_of(commit.tree, path)
        if entry is None:
            raise NotFound(
                "file_not_found", f"There is no file {path} in {ref}.", hint="Check the path; letters are told apart by their case."
            )
        return File(path, data_of(opened, entry, path), str(entry.id), str(commit.id))


def content_at(repository: Path, ref: str, path: str) -> bytes | None:
    """Return the content of a file in a commit or branch, None when there is no such file. Raises: as `file_at`, for ref and size."""
    with open_repository(repository) as opened:
        entry = entry_of(commit_of(opened, ref).tree, path)
        return None if entry is None else data_of(opened, entry, path)


def list_branches(repository: Path) -> dict[str, str]:
    """Return branch → commit id. Raises: NotFound `no_repository`."""
    with open_repository(repository) as opened:
        return {name: str(opened.branches.local[name].target) for name in opened.branches.local}


def changes(repository: Path, before: str | None, after: str) -> list[Change]:
    """Return every path whose blob is not the same in two commits, sorted; a renamed file is one that went and one that came.

    before: None compares with nothing: all files are new. Raises: NotFound `ref_not_found`, `no_repository`.
    """
    if before is None:
        return [Change(file.path, file.sha, file.is_file) for file in files_at(repository, after)]
    with open_repository(repository) as opened:
        old, new = commit_of(opened, before), commit_of(opened, after)
        found: dict[str, Change] = {}
        for delta in opened.diff(old, new, context_lines=0).deltas:
            if (old_path := _path(delta.old_file)) and delta.status_char() != "A":
                found.setdefault(old_path, Change(old_path, None))
            if (path := _path(delta.new_file)) and delta.status_char() != "D":
                found[path] = Change(path, str(delta.new_file.id), is_file=f"{delta.new_file.mode:06o}" in _FILES)
        return sorted(found.values(), key=lambda change: change.path)


def commit_of(opened: "pygit2.Repository", ref: str) -> "pygit2.Commit":
    """Return the commit that a full id or a branch means. Raises: NotFound `ref_not_found`; Invalid `invalid_ref`."""
    name = ref if len(ref) in {40, 64} and all(letter in "0123456789abcdef" for letter in ref) else f"refs/heads/{parse_branch(ref)}"
    try:
        found = opened[name] if name == ref else opened.references[name].peel()
    except (KeyError, ValueError):
        found = None
    if found is None or found.type_str != "commit":
        raise NotFound("ref_not_found", f"The repository has no branch or commit {ref!r}.", hint="Push it first.")
    return found  # type: ignore[return-value]


def entry_of(tree: "pygit2.Tree", path: str) -> "pygit2.Blob | None":
    """Return the ordinary file at a path, None when there is none; no link and no submodule is followed."""
    *folders, name = path.split("/")
    for folder in folders:
        if folder not in tree or tree[folder].type_str != "tree":
            return None
        tree = tree[folder]  # type: ignore[assignment]
    if name not in tree:
        return None
    found = tree[name]
    return found if found.type_str == "blob" and f"{found.filemode:06o}" in _FILES else None  # type: ignore[return-value]


def data_of(opened: "pygit2.Repository", blob: "pygit2.Blob", path: str) -> bytes:
    """Return the content of a blob; its length is asked first. Raises: TooLarge `file_too_large` above `LARGEST`."""
    _, size = opened.odb.read_header(blob.id)
    if size > LARGEST:
        raise TooLarge(
            "file_too_large", f"{path} has {size} bytes; at most {LARGEST >> 20} MiB are read.", hint="Work on it in a checkout."
        )
    return blob.data


def _path(file: "pygit2.DiffFile") -> str | None:
    try:
        return file.raw_path.decode()
    except UnicodeDecodeError:
        return None
