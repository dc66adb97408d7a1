"""Folders that a project keeps between builds (`.next/cache`): moved into the source before, and out of it after."""

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from canonry.adapters.builder.native.layers import real_folder
from canonry.infra.files import remove_tree

type Locate = Callable[[str], tuple[Path, str] | None]
"""Where a path of the source lies on disk: the folder it is under, and the rest; None when it cannot be kept."""


class KeptFolders:
    """The kept folders of one cache key."""

    def __init__(self, store: Path, paths: Sequence[str], locate: Locate) -> None:
        self._store = store
        self._paths = paths
        self._locate = locate

    def bring(self) -> None:
        """Move each kept folder to its place in the source, unless the source brings one itself."""
        for path in self._paths:
            kept = self._kept(path)
            place = self._place(path)
            if kept.is_dir() and place is not None and not place.exists() and not place.is_symlink():
                kept.rename(place)

    def take(self) -> None:
        """Move each folder out again, so that it is not part of the artifact."""
        for path in self._paths:
            place = self._place(path)
            if place is not None and place.is_dir() and not place.is_symlink():
                kept = self._kept(path)
                remove_tree(kept)
                kept.parent.mkdir(parents=True, exist_ok=True)
                place.rename(kept)
                self._drop_empty(place.parent, path)

    def _drop_empty(self, folder: Path, path: str) -> None:
        """Remove the folder that only held the kept one, unless it is where a path begins."""
        found = self._locate(path.strip("/"))
        if found is not None and folder != found[0]:
            with contextlib.suppress(OSError):  # it holds something else
                folder.rmdir()

    def _kept(self, path: str) -> Path:
        return self._store / hashlib.sha256(path.encode()).hexdigest()[:16]

    def _place(self, path: str) -> Path | None:
        found = self._locate(path.strip("/"))
        if found is None:
            return None
        root, rest = found
        parent, _, name = rest.rpartition("/")
        folder = real_folder(root, parent)
        return folder / name if folder is not None and name not in {"", ".", ".."} else None
