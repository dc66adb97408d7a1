"""Files that are never half-written: written beside, synced, renamed."""

import ctypes
import os
import secrets
import shutil
from pathlib import Path


def write_atomic(path: Path, content: bytes | str, *, mode: int = 0o644, sync: bool = True) -> None:
    """Replace `path` with `content`; a reader sees the old or the new whole, and after a power cut one of the two is there.

    sync: False leaves the flush to the system, for what is rebuilt at the next start anyway.
    """
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        sync_folder(path.parent)


def link_atomic(link: Path, target: Path) -> None:
    """Make `link` a symlink to `target`, replacing what was there in one step."""
    temporary = link.with_name(f".{link.name}.{secrets.token_hex(6)}.tmp")
    temporary.symlink_to(target)
    temporary.replace(link)


def sync_folder(folder: Path) -> None:
    """Make renames and new names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(folder: Path) -> None:
    """Write everything that waits for this folder's disk: one call for a thousand files. Raises: OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)


def exchange(one: Path, other: Path) -> None:
    """Let two files or folders of one file system swap their names in one step. Raises: OSError, also where the system has no such step."""
    here, flag = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    if ctypes.CDLL(None, use_errno=True).renameat2(here, os.fsencode(one), here, os.fsencode(other), flag) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one))


def remove_tree(path: Path) -> None:
    """Delete a file or folder, whatever its permissions; nothing there is no error."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return

    def make_writable(_function: object, name: str, error: BaseException) -> None:
        if isinstance(error, FileNotFoundError):  # somebody else deletes it, too
            return
        parent = Path(name).parent
        parent.chmod(0o700)
        target = Path(name)
        if target.is_dir() and not target.is_symlink():
            target.chmod(0o700)
            shutil.rmtree(target, ignore_errors=True)
        else:
            target.unlink(missing_ok=True)

    shutil.rmtree(path, onexc=make_writable)
