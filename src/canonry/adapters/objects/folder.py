"""Objects as files of a folder: written beside, synced, renamed."""

import errno
import fcntl
import itertools
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from canonry.core.errors import CanonryError, NotFound, Unavailable
from canonry.infra.files import sync_folder
from canonry.ports.objects import StoredObject

_PIECE = 1 << 20
_ATTEMPTS = 100
_PARTIAL = ".partial"  # what is being written; each is locked by who writes it, so that what a dead process left is found


class FolderObjects:
    """Keeps objects in a folder, which is made at the first write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        """Return the folder."""
        return f"the folder {self._folder}"

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Write the file beside, then give it its name; see the port."""
        path = self._path(key)
        partial = self._folder / _PARTIAL
        with self._told():
            partial.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._clear(partial)
            temporary, file = _create(partial)
        try:
            with file:
                size = 0
                for chunk in chunks:  # an error in here is the caller's own, and goes to them as it is
                    with self._told():
                        size += _write(file, chunk)
                with self._told():
                    os.fsync(file.fileno())
                    if os.fstat(file.fileno()).st_size != size:
                        raise OSError(errno.EIO, "the file has another size than what was written")
                    self._give_name(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return size

    def get(self, key: str) -> Iterator[bytes]:
        """Read the file; see the port."""
        path = self._path(key)
        if self.find(key) is None:
            raise NotFound("object_missing", f"There is no {key} in {self.place}.", hint="It may have been deleted.")

        def pieces() -> Iterator[bytes]:
            with self._told(), path.open("rb", buffering=0) as file:
                while piece := file.read(_PIECE):
                    yield piece

        return pieces()

    def find(self, key: str) -> StoredObject | None:
        """Look the file up."""
        with self._told():
            try:
                return _stored(key, self._path(key).stat())
            except (FileNotFoundError, NotADirectoryError):
                return None

    def list(self, prefix: str) -> list[StoredObject]:
        """Return the files below a folder."""
        start = self._path(prefix) if prefix else self._folder
        found = []
        with self._told():
            for folder, folders, files in start.walk(on_error=_unless_missing):
                folders[:] = [name for name in folders if name != _PARTIAL]
                for name in files:
                    path = folder / name
                    try:
                        found.append(_stored(path.relative_to(self._folder).as_posix(), path.stat()))
                    except FileNotFoundError:  # deleted meanwhile
                        continue
        return sorted(found, key=lambda item: item.key)

    def delete(self, key: str) -> None:
        """Remove the file, and folders that are empty then."""
        path = self._path(key)
        with self._told():
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == self._folder:
                    break
                try:
                    folder.rmdir()
                except OSError:  # not empty, or gone
                    break

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in {"", ".", "..", _PARTIAL} for part in parts):
            raise ValueError(f"not a key: {key!r}")
        return self._folder.joinpath(*parts)

    def _give_name(self, temporary: Path, path: Path) -> None:
        for attempt in itertools.count():
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                temporary.replace(path)
                break
            except (FileNotFoundError, FileExistsError):  # somebody removed the folder because it was empty, maybe while it was made
                if attempt == _ATTEMPTS:
                    raise
        with suppress(FileNotFoundError):  # somebody has removed the object already
            for folder in path.parents:
                sync_folder(folder)
                if folder == self._folder:
                    break

    def _clear(self, partial: Path) -> None:
        """Remove what processes left that were killed."""
        for path in partial.iterdir():
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
            except BlockingIOError:
                continue
            finally:
                os.close(descriptor)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what the system says in our own words; a missing file is told by the caller."""
        try:
            yield
        except FileNotFoundError:
            raise
        except PermissionError as error:
            raise Unavailable("archive_denied", f"The system forbids it in {self.place}: {error.strerror} ({error.filename}).",
                              hint="Give the folder to the user that Canonry runs as.") from error  # fmt: skip
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> CanonryError:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            return Unavailable("disk_full", f"{self.place[0].upper()}{self.place[1:]} takes nothing more: {error.strerror}.",
                               hint="Free some space there, or let CANONRY_BACKUPS_URL name another place.")  # fmt: skip
        return Unavailable("archive_unreachable", f"{self.place[0].upper()}{self.place[1:]} cannot be used: {error.strerror}.",
                           hint="Check that its disk is there (mounted) and healthy.")  # fmt: skip


def _create(folder: Path) -> tuple[Path, FileIO]:
    """Make a file that is locked by us. Between the two somebody may have taken it for a left-over: then another is made."""
    while True:
        path = folder / secrets.token_hex(8)
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()


def _write(file: FileIO, chunk: bytes) -> int:
    view = memoryview(chunk)
    while view:
        view = view[file.write(view) :]
    return len(chunk)


def _stored(key: str, status: os.stat_result) -> StoredObject:
    return StoredObject(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
