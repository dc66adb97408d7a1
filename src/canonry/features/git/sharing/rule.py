"""Whether what changed in a monorepo concerns a project of it.

A project lies in its `root_dir`. It is concerned by
1. everything in its own folder (without one, by everything);
2. files in the folders above it, the repository's root included, that tools read: manifests, lock files, settings; not prose or pages;
3. where the root declares a workspace (npm, pnpm, uv, Go, Lerna, Nx, Turborepo): everything that lies in no other project's folder, for a
   package there may be built into it; not prose, and not what hidden folders hold.
"""

import posixpath
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from canonry.core.errors import NotFound, TooLarge
from canonry.features.git.contents.reading import changes, content_at

_TOOLS = {
    ".json", ".jsonc", ".json5", ".toml", ".yaml", ".yml", ".lock", ".lockb", ".cfg", ".ini", ".conf", ".txt", ".mod", ".sum", ".work",
    ".xml", ".gradle", ".nix", ".mk",
}  # fmt: skip
_CONFIG = (".config.js", ".config.cjs", ".config.mjs", ".config.ts", ".config.mts", "rc.js", "rc.cjs", "rc.mjs", ".base.js")
_PROSE = {".md", ".markdown", ".mdx", ".rst", ".adoc"}
_ABOUT = {"license", "licence", "copying", "notice", "authors", "contributors", "changelog", "readme", "codeowners"}
_ABOUT_GIT = {".gitignore", ".gitattributes", ".mailmap", ".git-blame-ignore-revs", ".editorconfig"}
_WORKSPACES = ("pnpm-workspace.yaml", "go.work", "lerna.json", "nx.json", "turbo.json", "rush.json")
_DECLARED = {"package.json": b'"workspaces"', "pyproject.toml": b"[tool.uv.workspace"}


def folder_of(root_dir: str | None) -> str:
    """Return where a project lies, as paths in git are written; "" is the whole repository."""
    folder = posixpath.normpath((root_dir or "").strip().strip("/") or ".")
    return "" if folder == "." else folder


def changed_paths(repository: Path, before: str | None, after: str) -> list[str] | None:
    """Return which paths differ between two commits; None when there is nothing to compare with (any more): all may have changed."""
    if before is None:
        return None
    try:
        return [change.path for change in changes(repository, before, after)]
    except NotFound:  # history was written anew, and the old commit is gone
        return None


def declares_workspace(repository: Path, commit: str) -> bool:
    """Say whether the root of a commit declares a workspace whose packages build on each other."""
    if any(word in (_content(repository, commit, name) or b"") for name, word in _DECLARED.items()):
        return True
    return any(_content(repository, commit, name) is not None for name in _WORKSPACES)


def concerning(paths: Iterable[str], root_dir: str | None, others: Sequence[str | None], *, is_workspace: bool) -> str | None:
    """Return the first of the changed paths that concerns a project, None when none does. others: where the other projects lie."""
    own = folder_of(root_dir)
    foreign = [folder for folder in map(folder_of, others) if folder and not _lies_in(own, folder)]
    return next((path for path in paths if _concerns(path, own, foreign, is_workspace=is_workspace)), None)


def _content(repository: Path, commit: str, name: str) -> bytes | None:
    """Return a file of the root, None when there is none; one that is too large to be read says nothing."""
    try:
        return content_at(repository, commit, name)
    except TooLarge:
        return b""


def _concerns(path: str, own: str, foreign: Sequence[str], *, is_workspace: bool) -> bool:
    if _lies_in(path, own):
        return True
    if any(_lies_in(path, folder) for folder in foreign) or _is_prose(path):
        return False
    if _lies_in(own, posixpath.dirname(path)):
        return _is_for_tools(PurePosixPath(path).name.lower())
    return is_workspace and not any(part.startswith(".") for part in PurePosixPath(path).parts)


def _is_for_tools(name: str) -> bool:
    is_plain = "." not in name.removeprefix(".")  # Makefile, Procfile, .nvmrc
    return is_plain or PurePosixPath(name).suffix in _TOOLS or name.endswith(_CONFIG) or name.startswith((".", "dockerfile"))


def _is_prose(path: str) -> bool:
    name = PurePosixPath(path).name.lower()
    return name in _ABOUT_GIT or PurePosixPath(name).suffix in _PROSE or PurePosixPath(name).stem in _ABOUT


def _lies_in(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")
