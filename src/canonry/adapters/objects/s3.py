"""Objects in a bucket of an S3-compatible storage, by obstore."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

import obstore
from obstore import exceptions
from obstore.store import S3Store

from canonry.core.errors import CanonryError, NotFound, Unavailable
from canonry.core.secret import Secret
from canonry.ports.objects import StoredObject

_PART = 16 << 20  # bytes; 10,000 parts are allowed, so an object may have 160 GB
_AT_ONCE = 2  # parts under way: what an upload holds in memory is about three parts
_PIECE = 2 << 20
_PATIENCE = timedelta(seconds=20)


@dataclass(frozen=True)
class S3Access:
    """How a bucket is reached. endpoint: empty for AWS. Without keys those of the machine's own role are taken."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    key_id: str = ""
    secret_key: Secret | None = None


class S3Objects:
    """Keeps objects in one bucket, below a prefix."""

    def __init__(self, access: S3Access) -> None:
        self._access = access
        options: dict[str, str] = {"region": access.region or "us-east-1", "checksum_algorithm": "SHA256"}
        if access.endpoint:
            options["endpoint"] = access.endpoint
        if access.key_id:
            options["access_key_id"] = access.key_id
        if access.secret_key is not None:
            options["secret_access_key"] = access.secret_key.reveal()
        self._store = S3Store(
            access.bucket, prefix=access.prefix or None, config=options,  # type: ignore[arg-type]  # a plain dict of the same names
            client_options={"allow_http": access.endpoint.startswith("http://"), "timeout": "120s", "connect_timeout": "10s"},
            retry_config={"max_retries": 4, "retry_timeout": _PATIENCE,
                          "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2}},
        )  # fmt: skip

    @property
    def place(self) -> str:
        """Return the bucket, and where it is."""
        inside = f"/{self._access.prefix}" if self._access.prefix else ""
        return f"the bucket s3://{self._access.bucket}{inside}" + (f" at {self._access.endpoint}" if self._access.endpoint else "")

    def put(self, key: str, chunks: Iterable[bytes]) -> int:
        """Send it, at once when it is small, else in parts; see the port."""
        source = _Source(chunks)
        first = source.take(_PART)
        with self._told(key, source):
            if source.ended:
                obstore.put(self._store, key, first, use_multipart=False)
            else:
                parts = chain([first], source)
                obstore.put(self._store, key, parts, use_multipart=True, chunk_size=_PART, max_concurrency=_AT_ONCE)
        found = self.find(key)
        if found is None or found.size != source.size:
            self.delete(key)
            raise Unavailable("archive_unreachable", f"{_capital(self.place)} does not hold {key} as it was sent.",
                              hint="Check the storage: it confirmed what it did not keep.")  # fmt: skip
        return source.size

    def get(self, key: str) -> Iterator[bytes]:
        """Read it; see the port."""
        with self._told(key):
            pieces = iter(obstore.get(self._store, key).stream(min_chunk_size=_PIECE))
        return self._pieces(key, pieces)

    def _pieces(self, key: str, pieces: Iterator[object]) -> Iterator[bytes]:
        while True:
            with self._told(key):
                piece = next(pieces, None)
            if piece is None:
                return
            yield bytes(piece)  # type: ignore[call-overload]  # obstore's own buffer

    def find(self, key: str) -> StoredObject | None:
        """Ask for its head."""
        try:
            with self._told(key):
                meta = obstore.head(self._store, key)
        except NotFound:
            return None
        return StoredObject(key, meta["size"], meta["last_modified"])

    def list(self, prefix: str) -> list[StoredObject]:
        """Return the keys below a prefix."""
        with self._told(prefix):
            found = [
                StoredObject(meta["path"], meta["size"], meta["last_modified"])
                for page in obstore.list(self._store, prefix or None, chunk_size=1000)
                for meta in page
            ]
        return sorted(found, key=lambda item: item.key)

    def delete(self, key: str) -> None:
        """Remove it."""
        try:
            with self._told(key):
                obstore.delete(self._store, key)
        except NotFound:
            return

    @contextmanager
    def _told(self, key: str, source: "_Source | None" = None) -> Iterator[None]:
        """Tell what the storage says in our own words."""
        try:
            yield
        except (exceptions.BaseError, FileNotFoundError, OSError, ValueError) as error:
            if source is not None and source.error is not None:
                raise source.error from None
            raise self._failed(key, error) from error
        except Exception:
            if source is not None and source.error is not None:
                raise source.error from None
            raise

    def _failed(self, key: str, error: Exception) -> CanonryError:
        text = str(error)
        if "NoSuchBucket" in text:
            return Unavailable("archive_no_bucket", f"There is no {self.place.removeprefix('the ')}.",
                               hint="Make the bucket, or correct CANONRY_BACKUPS_URL.")  # fmt: skip
        if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError) or "Forbidden" in text:
            return Unavailable("archive_denied", f"{_capital(self.place)} refuses us.",
                               hint="Check CANONRY_BACKUPS_S3_KEY_ID, CANONRY_BACKUPS_S3_SECRET_KEY and their rights.")  # fmt: skip
        if isinstance(error, exceptions.NotFoundError | FileNotFoundError):
            return NotFound("object_missing", f"There is no {key} in {self.place}.", hint="It may have been deleted.")
        if "EntityTooLarge" in text or "QuotaExceeded" in text or "InsufficientStorage" in text or "XMinioStorageFull" in text:
            return Unavailable("disk_full", f"{_capital(self.place)} takes nothing more.", hint="Make room there.")
        reason = text.split("\n", 1)[0][:300]
        return Unavailable("archive_unreachable", f"{_capital(self.place)} does not do what we ask: {reason}",
                           hint="Check CANONRY_BACKUPS_URL and CANONRY_BACKUPS_S3_ENDPOINT, and that this machine reaches it.")  # fmt: skip


class _Source:
    """Counts what goes out, and keeps the error of whoever makes the chunks: obstore would tell it in words of its own."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.size = 0
        self.ended = False
        self.error: Exception | None = None

    def take(self, least: int) -> bytes:
        """Return the next bytes: about `least`, or all there are."""
        parts: list[bytes] = []
        taken = 0
        while taken < least:
            chunk = next(self, None)
            if chunk is None:
                break
            parts.append(chunk)
            taken += len(chunk)
        return b"".join(parts)

    def __iter__(self) -> "_Source":
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._chunks)
        except StopIteration:
            self.ended = True
            raise
        except Exception as error:
            self.error = error
            raise
        self.size += len(chunk)
        return chunk


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
