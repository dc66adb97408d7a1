"""The folders of volumes on this machine. What lies in them belongs to apps: no link of theirs is followed, no name of theirs trusted."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from canonry.core.ids import is_id
from canonry.core.paths import Home
from canonry.infra.files import remove_tree, sync_folder

_BLOCK = 512  # what st_blocks counts, whatever the file system's own blocks are


@dataclass(frozen=True)
class Usage:
    """bytes: that its files take up on the disk, a hard link counted once. files: everything in it that has a name."""

    bytes: int
    files: int


def folder_of(home: Home, volume_id: str) -> Path:
    """Return the folder of a volume, which need not exist."""
    return home.volumes / volume_id


def make(home: Home, volume_id: str) -> None:
    """Make the folder of a volume, for good even through a power cut; one that is there stays as it is."""
    folder_of(home, volume_id).mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_folder(home.volumes)


def remove(home: Home, volume_ids: Iterable[str]) -> None:
    """Delete volumes with all that is in them. Harmless twice; what is no id is left alone."""
    for volume_id in volume_ids:
        if is_id(volume_id, "vol"):
            remove_tree(folder_of(home, volume_id))


def measure(folder: Path) -> Usage:
    """Return what a volume holds. Folders that the app shut even to its own user do not count."""
    size = files = 0
    seen: set[tuple[int, int]] = set()
    for _, folders, names, descriptor in os.fwalk(folder, follow_symlinks=False):
        for name in (*folders, *names):
            try:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except OSError:
                continue  # gone meanwhile
            files += 1
            if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
            size += status.st_blocks * _BLOCK
    return Usage(size, files)
