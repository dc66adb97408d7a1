"""The file system that a folder lies on."""

import os
from pathlib import Path

from canonry.ports.disk import Space


class VolumeDisk:
    """Asks the kernel."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def space(self) -> Space:
        """See `ports.disk.Disk.space`. A folder that is not there yet counts as the nearest one above it."""
        folder = self._folder
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        found = os.statvfs(folder)
        return Space(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)
