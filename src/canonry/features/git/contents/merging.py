"""Merging one branch into another, without a work tree."""

from dataclasses import dataclass
from pathlib import Path

from canonry.core.errors import Conflict
from canonry.core.refs import parse_branch
from canonry.features.git.contents.checking import Check
from canonry.features.git.contents.models import Author
from canonry.features.git.contents.opening import open_repository
from canonry.features.git.contents.reading import commit_of
from canonry.features.git.contents.writing import move_branch, signatures

_TRIES = 5


@dataclass(frozen=True)
class Merge:
    """What merging brings, or would bring. commit: the new head of the base, None when it was only looked at or there are conflicts.

    conflicts: paths that both sides changed differently; empty when it goes through.
    """

    before: str
    commit: str | None
    conflicts: tuple[str, ...] = ()


def merge_base(repository: Path, one: str, other: str) -> str | None:
    """Return the newest commit that both have, None when they share nothing. Raises: NotFound `ref_not_found`, `no_repository`."""
    with open_repository(repository) as opened:
        found = opened.merge_base(commit_of(opened, one).id, commit_of(opened, other).id)
        return str(found) if found else None


def merge(repository: Path, base: str, head: str, author: Author, message: str, *, dry: bool = False, check: Check | None = None) -> Merge:
    """Merge the branch (or commit) `head` into the branch `base` by a merge commit; nothing happens when base has it already.

    dry: only say whether it would go through, and whether `check` lets it. Raises: NotFound `ref_not_found`, `no_repository`; Conflict
    `branch_busy`; what `check` raises.
    """
    name = f"refs/heads/{parse_branch(base)}"
    with open_repository(repository) as opened:
        for _ in range(_TRIES):
            onto, other = commit_of(opened, base), commit_of(opened, head)
            before = str(onto.id)
            if opened.merge_base(onto.id, other.id) == other.id:
                return Merge(before, None if dry else before)
            index = opened.merge_commits(onto, other)
            if index.conflicts is not None:
                paths = {side.path for sides in index.conflicts for side in sides if side is not None}
                return Merge(before, None, tuple(sorted(paths)))
            if dry and check is None:
                return Merge(before, None)
            tree = index.write_tree(opened)
            commit = opened.create_commit(None, *signatures(author), message, tree, [onto.id, other.id])
            if check is not None:
                check(before, str(commit))
            if dry:
                return Merge(before, None)
            if move_branch(opened, name, onto.id, commit):
                return Merge(before, str(commit))
    raise Conflict("branch_busy", f"{base} moved {_TRIES} times while this was merged.", hint="Try again.")
