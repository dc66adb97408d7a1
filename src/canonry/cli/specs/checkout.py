"""The folder the commands work on: its root, its CANON.yaml and the spec files in it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from canonry.core.errors import Invalid
from canonry.specs.globs import Glob, is_spec_path

CONFIG_NAMES = ("CANON.yaml", "SPECWRIGHT.yaml")


@dataclass(frozen=True, slots=True)
class File:
    """A spec file. path: below the root, with `/`. stamp: changes whenever the file does."""

    path: str
    stamp: str
    modified: float


@dataclass(frozen=True, slots=True)
class Checkout:
    """root: where CANON.yaml or `.git` lies, else the present folder. git: git's own folder, None without one."""

    root: Path
    git: Path | None

    @classmethod
    def find(cls, start: Path | None = None) -> "Checkout":
        """Find the checkout around a folder, the present one when none is given."""
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            git = folder / ".git"
            if git.exists() or any((folder / name).is_file() for name in CONFIG_NAMES):
                return cls(folder, _git_folder(git))
        return cls(here, None)

    def config_file(self) -> Path | None:
        """The file that configures it, None when there is none."""
        return next((self.root / name for name in CONFIG_NAMES if (self.root / name).is_file()), None)

    def files(self, patterns: tuple[str, ...]) -> list[File]:
        """The spec files, in the order of their paths. Links and what lies in hidden folders are left out."""
        globs = tuple(Glob(pattern) for pattern in patterns)
        found: dict[str, File] = {}
        for folder, is_deep in {(glob.folder, glob.is_deep) for glob in globs}:
            for entry, path in _walk(self.root / folder, folder, is_deep=is_deep):
                if path not in found and is_spec_path(path, globs):
                    stat = entry.stat(follow_symlinks=False)
                    stamp = f"{stat.st_mtime_ns}.{stat.st_size}.{stat.st_ino}.{stat.st_ctime_ns}"
                    found[path] = File(path, stamp, max(stat.st_mtime, stat.st_ctime))
        return [found[path] for path in sorted(found)]

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises: Invalid `unreadable_file`."""
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise Invalid("unreadable_file", f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.") from error

    def write(self, path: str, content: bytes) -> None:
        """Replace a file: written beside, synced, renamed; its permissions stay. Raises: Invalid `unwritable_file`."""
        target = self.root / path
        beside = target.with_name(f".{target.name}.{os.getpid()}.new")
        try:
            with beside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                beside.chmod(target.stat().st_mode & 0o7777)
            beside.replace(target)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise Invalid("unwritable_file", f"{path} cannot be written: {error.strerror}.", hint="Check its permissions.") from error


def matching(paths: list[str], wanted: str) -> list[str]:
    """Return the paths that a person means: this path, this file name with or without `.md`, else every path with it inside.

    Raises: Invalid `no_such_spec`.
    """
    name = wanted.removeprefix("./")
    for fits in (
        lambda path: path == name,
        lambda path: path.rpartition("/")[2] in {name, f"{name}.md"},
        lambda path: name.casefold() in path.casefold(),
    ):
        if name and (found := [path for path in paths if fits(path)]):
            return found
    raise Invalid("no_such_spec", f"No spec fits `{wanted}`.", hint="`canonry spec status` lists them; CANON.yaml says where specs lie.")


def _walk(folder: Path, path: str, *, is_deep: bool) -> Iterator[tuple[os.DirEntry[str], str]]:
    try:
        entries = os.scandir(folder)
    except OSError:
        return
    with entries:
        for entry in entries:
            below = f"{path}/{entry.name}" if path else entry.name
            if entry.is_file(follow_symlinks=False):
                yield entry, below
            elif is_deep and not entry.name.startswith(".") and entry.name != "node_modules" and entry.is_dir(follow_symlinks=False):
                yield from _walk(folder / entry.name, below, is_deep=True)


def _git_folder(git: Path) -> Path | None:
    if git.is_dir():
        return git
    try:  # a worktree: the file names the folder
        text = git.read_text().strip()
    except OSError:
        return None
    folder = (git.parent / text.removeprefix("gitdir:").strip()).resolve()
    return folder if text.startswith("gitdir:") and folder.is_dir() else None
