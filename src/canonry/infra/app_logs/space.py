"""Bounded disk use: the head of a long log is freed by punching a hole in it, so that offsets stay true and the app notices nothing.

ext4, xfs, btrfs and tmpfs can; where the file system cannot, the log is kept whole (and `canonry doctor` says so).
"""

import ctypes
import os
import tempfile
from pathlib import Path

from canonry.infra.app_logs.times import forget_before, times_path

_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_BLOCK = 1 << 20  # holes begin and end at whole MiB: no file system has larger blocks, and trimming a little each second costs nothing


def trim(path: Path, keep_bytes: int) -> int:
    """Free the head of the log so that the last `keep_bytes` (up to 1 MiB more) stay. Returns the bytes freed on the disk."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return 0
    try:
        before = os.fstat(descriptor)
        end = max(before.st_size - keep_bytes, 0) // _BLOCK * _BLOCK
        if not end or before.st_blocks * 512 <= keep_bytes + _BLOCK or not _punch(descriptor, end):
            return 0
        freed = (before.st_blocks - os.fstat(descriptor).st_blocks) * 512
    finally:
        os.close(descriptor)
    forget_before(path, end)
    return max(freed, 0)


def can_trim(folder: Path) -> bool:
    """Say whether the file system of `folder` can free the head of a file."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x" * 8192)
        file.flush()
        return _punch(file.fileno(), 4096)


def remove(path: Path) -> None:
    """Delete a log and its index; nothing there is no error."""
    path.unlink(missing_ok=True)
    times_path(path).unlink(missing_ok=True)


def _punch(descriptor: int, length: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    fallocate = getattr(libc, "fallocate64", None) or libc.fallocate
    result: int = fallocate(ctypes.c_int(descriptor), ctypes.c_int(_KEEP_SIZE | _PUNCH_HOLE), ctypes.c_int64(0), ctypes.c_int64(length))
    return result == 0
