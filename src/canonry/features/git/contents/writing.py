"""Writing to a branch of a bare repository: whole commits, made only when nobody was quicker."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from canonry.core.clock import now
from canonry.core.errors import Conflict, Invalid, Issue, NotFound
from canonry.core.file_paths import parse_file_path
from canonry.core.refs import parse_branch
from canonry.features.git.contents.checking import Check
from canonry.features.git.contents.models import Author, File, StaleFile, Written
from canonry.features.git.contents.opening import open_repository
from canonry.features.git.contents.reading import commit_of, data_of, entry_of

if TYPE_CHECKING:
    import pygit2

_TRIES = 5  # pushes to other files of the branch may come in between
_FILE, _FOLDER = 0o100644, 0o040000

Edits = Mapping[str, tuple[bytes | None, str | None]]
"""path → (new content, None removes the file; the blob id it was made from, None for a file that must not exist yet)."""


def commit_files(
    repository: Path, branch: str, edits: Edits, author: Author, message: str, check: Check | None = None, *, dry: bool = False
) -> Written:
    """Commit several files to a branch at once; other files may have changed meanwhile, these may not.

    dry: the commit is made and checked, and the branch stays where it is.
    A branch that does not exist is born when the repository has no branch at all. What is equal already makes no new commit.
    Raises: StaleFile (`stale_file`); Invalid `invalid_path`, `path_taken`, `invalid_ref`; NotFound `ref_not_found`, `no_repository`;
    Conflict `branch_busy`; TooLarge `file_too_large` when what is there now is too large to be shown; what `check` raises.
    """
    name = f"refs/heads/{parse_branch(branch)}"
    wanted = {parse_file_path(path): edit for path, edit in edits.items()}
    with open_repository(repository) as opened:
        for _ in range(_TRIES):
            if (written := _try(opened, name, wanted, (author, message), check, dry=dry)) is not None:
                return written
    raise Conflict("branch_busy", f"{branch} moved {_TRIES} times while this was written.", hint="Try again.")


def create_branch(repository: Path, branch: str, at: str) -> None:
    """Make a branch at a commit (or another branch). Raises: Conflict `branch_exists`; NotFound `ref_not_found`; Invalid `invalid_ref`."""
    name = f"refs/heads/{parse_branch(branch)}"
    with open_repository(repository) as opened:
        commit = commit_of(opened, at)
        if not _make_ref(opened, name, commit.id):
            raise Conflict("branch_exists", f"There is a branch {branch} already.", hint="Choose another name.")


def delete_branch(repository: Path, branch: str) -> None:
    """Remove a branch; none is no error. Raises: Invalid `invalid_ref`; NotFound `no_repository`."""
    name = f"refs/heads/{parse_branch(branch)}"
    with open_repository(repository) as opened:
        if name in opened.references:
            opened.references.delete(name)


def move_branch(opened: "pygit2.Repository", name: str, before: "pygit2.Oid | None", after: "pygit2.Oid") -> bool:
    """Move a branch from one commit to another; False when it was somewhere else by now (compare and swap)."""
    import pygit2  # noqa: PLC0415 -- loaded by open_repository

    if before is None:
        return _make_ref(opened, name, after)
    try:
        reference = opened.references[name]
        if reference.target != before:
            return False
        reference.set_target(after)
    except (KeyError, ValueError, pygit2.GitError):  # it moved between the look and the write, or its lock is held
        return False
    return True


def _try(opened: "pygit2.Repository", name: str, edits: Edits, by: tuple[Author, str], check: Check | None, *, dry: bool) -> Written | None:
    """Commit on top of what is there now. by: author and message. Returns None when the branch moved meanwhile."""
    reference = opened.references.get(name)
    if reference is None and any(True for _ in opened.branches.local):
        raise NotFound("ref_not_found", f"There is no branch {name.removeprefix('refs/heads/')}.", hint="Make it first.")
    parent = None if reference is None else commit_of(opened, str(reference.target))
    shas: dict[str, str | None] = {}
    blobs: dict[str, pygit2.Oid | None] = {}
    for path, (content, expected) in edits.items():
        blob = None if parent is None else entry_of(parent.tree, path)
        found = None if blob is None else str(blob.id)
        if found != expected:
            there = None if blob is None or parent is None else File(path, data_of(opened, blob, path), str(blob.id), str(parent.id))
            raise StaleFile(path, there)
        blobs[path] = None if content is None else opened.create_blob(content)
        shas[path] = None if content is None else str(blobs[path])
    tree = _with(opened, None if parent is None else parent.tree, "", blobs)
    if tree is None or (parent is not None and tree.id == parent.tree.id):
        return Written("" if parent is None else str(parent.id), None if parent is None else str(parent.id), shas)
    author, message = by
    commit = opened.create_commit(None, *signatures(author), message, tree.id, [] if parent is None else [parent.id])
    if check is not None:
        check(None if parent is None else str(parent.id), str(commit))
    if not dry and not move_branch(opened, name, None if parent is None else parent.id, commit):
        return None
    return Written(str(commit), None if parent is None else str(parent.id), shas)


def signatures(author: Author) -> tuple["pygit2.Signature", "pygit2.Signature"]:
    """Return author and committer of a commit made now: who wrote it, and Canonry who made it for them."""
    import pygit2  # noqa: PLC0415 -- loaded by open_repository

    seconds = int(now().timestamp())
    return (
        pygit2.Signature(author.plain_name, author.plain_email, seconds, 0, "utf-8"),
        pygit2.Signature("Canonry", "canonry@localhost", seconds, 0),
    )


def _with(
    opened: "pygit2.Repository", tree: "pygit2.Tree | None", above: str, blobs: "Mapping[str, pygit2.Oid | None]"
) -> "pygit2.Tree | None":
    """Return the tree with files put in their places (None: taken away), None when nothing is left in it. above: its own path, `a/b/`."""
    builder = opened.TreeBuilder() if tree is None else opened.TreeBuilder(tree)
    below: dict[str, dict[str, pygit2.Oid | None]] = {}
    for path, blob in blobs.items():
        name, _, rest = path.partition("/")
        there = tree[name] if tree is not None and name in tree else None
        if rest:
            if there is not None and there.type_str != "tree":
                raise _taken(f"{above}{path}", f"{name} is no folder")
            below.setdefault(name, {})[rest] = blob
        elif there is not None and (there.type_str != "blob" or there.filemode not in {_FILE, 0o100755, 0o100664}):
            raise _taken(f"{above}{path}", "a folder, a link or a submodule")
        elif blob is not None:
            builder.insert(name, blob, _FILE if there is None else there.filemode)
        elif there is not None:
            builder.remove(name)
    for name, inner in below.items():
        there = tree[name] if tree is not None and name in tree else None
        made = _with(opened, there, f"{above}{name}/", inner)  # type: ignore[arg-type]
        if made is not None:
            builder.insert(name, made.id, _FOLDER)
        elif there is not None:
            builder.remove(name)
    return opened[builder.write()] if len(builder) else None  # type: ignore[return-value]


def _make_ref(opened: "pygit2.Repository", name: str, at: "pygit2.Oid") -> bool:
    import pygit2  # noqa: PLC0415 -- loaded by open_repository

    try:
        opened.references.create(name, at)
    except (ValueError, OSError, pygit2.GitError):
        if name in opened.references:
            return False
        if not _stands_in_the_way(opened, name):
            raise
        raise Invalid("invalid_ref", f"{name.removeprefix('refs/heads/')} cannot be a branch beside those that are there.",
                      hint="A branch `a` and a branch `a/b` cannot both exist. Choose another name.",
                      issues=[Issue("branch", "stands in the way of another branch", "branch")]) from None  # fmt: skip
    return True


def _stands_in_the_way(opened: "pygit2.Repository", name: str) -> bool:
    return any(there.startswith(f"{name}/") or name.startswith(f"{there}/") for there in opened.references)


def _taken(path: str, fault: str) -> Invalid:
    return Invalid(
        "path_taken", f"{path} cannot be written: {fault}.", hint="Choose another path.", issues=[Issue("file_path", fault, "path")]
    )
