"""How much of the disk files take."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path


def bytes_in(folders: Sequence[Path]) -> int:
    """Return the bytes on disk; a file with several links counts in shares, so that a package linked from a cache counts once.

    A folder that is a link, or is not there, has none; a path may name a file too.
    """
    total = 0
    waiting = []
    for folder in folders:
        try:
            status = folder.lstat()
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            waiting.append(os.fspath(folder))
        elif stat.S_ISREG(status.st_mode):
            total += _share(status)
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += _share(status)
        except OSError:  # removed or moved while we looked
            continue
    return total


def _share(status: os.stat_result) -> int:
    return status.st_blocks * 512 // max(status.st_nlink, 1)
