"""How everything lies in the archive: compressed (zstd), then encrypted and signed (AES-256-GCM) in pieces of 1 MiB.

    header   magic, id of the key, salt, digest of the object's name, and a checksum of all that
    frame    number, last?, length, checksum of these three │ ciphertext and its tag
    frame    …

Each object has a key of its own (HKDF of the archive's key, the salt, the name), so a frame's number can be its nonce. Number, last flag
and length are bound into each tag. What may be wrong is told apart: another key, a file under another name, a file that is cut off,
frames in another order, changed bits. Memory: a few MiB, whatever the size.
"""

import hashlib
import secrets
import struct
import zlib
from collections.abc import Generator, Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from canonry.infra.backup import errors
from canonry.infra.backup.key import BackupKey

_MAGIC = b"CANONRY\x01"
_HEADER = struct.Struct(">8s8s32s16sI")  # magic, key id, salt, name, crc32
_FRAME = struct.Struct(">QBII")  # number, last, length, crc32
_PIECE = 1 << 20  # of compressed bytes in a frame
_TAG = 16
_LEVEL = 3


def seal(chunks: Iterable[bytes], key: BackupKey, name: str) -> Iterator[bytes]:
    """Yield the sealed form of what `chunks` hold. name: what the object is called; it opens under this name only."""
    salt = secrets.token_bytes(32)
    head = (_MAGIC, bytes.fromhex(key.id), salt, _name(name))
    yield _HEADER.pack(*head, zlib.crc32(b"".join(head)))
    cipher = _cipher(key, salt, name)
    waiting: bytes | None = None
    number = 0
    for piece in _compressed(chunks):
        if waiting is not None:
            yield _frame(cipher, number, waiting, last=False)
            number += 1
        waiting = piece
    yield _frame(cipher, number, waiting or b"", last=True)


def unseal(chunks: Iterable[bytes], key: BackupKey, name: str) -> Generator[bytes]:
    """Yield what was sealed, in pieces of 1 MiB at most.

    What was yielded before an error is as it was written: nothing unproven leaves this function.
    Raises: Conflict `backup_wrong_key` | `backup_misplaced` | `backup_truncated` | `backup_reordered` | `backup_damaged`.
    """
    source = iter(chunks)
    try:
        yield from _opened(source, key, name)
    finally:
        if isinstance(source, Generator):  # whatever ends this, files and connections behind it are let go now
            source.close()


def _opened(source: Iterator[bytes], key: BackupKey, name: str) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 -- as in _compressed

    reader = _Reader(_frames(_Reader(source), key, name))
    stream = zstandard.ZstdDecompressor().stream_reader(reader, read_across_frames=False)  # type: ignore[arg-type]  # only `read` is used
    while True:
        try:
            piece = stream.read(_PIECE)
        except zstandard.ZstdError as error:  # cannot be, unless who wrote it had a fault
            raise errors.damaged(name, f"it cannot be unpacked ({error})") from error
        if not piece:
            break
        yield piece
    for _rest in reader.all():  # the last frame has its say even where the compressed stream ended before it
        raise errors.damaged(name, "there is something behind its end")


def _compressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    import zstandard  # noqa: PLC0415 -- the library is loaded when a backup is made or read, not in an idle process

    chunker = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).chunker(chunk_size=_PIECE)
    for chunk in chunks:
        yield from chunker.compress(chunk)
    yield from chunker.finish()  # type: ignore[no-untyped-call]  # zstandard's stub has a hole here


def _frame(cipher: AESGCM, number: int, piece: bytes, *, last: bool) -> bytes:
    head = _frame_head(number, last=last, length=len(piece) + _TAG)
    return head + cipher.encrypt(number.to_bytes(12, "big"), piece, head)


def _frame_head(number: int, *, last: bool, length: int) -> bytes:
    return _FRAME.pack(number, last, length, zlib.crc32(struct.pack(">QBI", number, last, length)))


def _frames(reader: "_Reader", key: BackupKey, name: str) -> Iterator[bytes]:
    """Yield the proven content of each frame."""
    cipher = _open_header(reader, key, name)
    number = 0
    while True:
        head = reader.read(_FRAME.size)
        if len(head) < _FRAME.size:
            raise errors.truncated(name, f"piece {number} is missing")
        found, last, length, _crc = _FRAME.unpack(head)
        if last > 1 or not _TAG <= length <= _PIECE + _TAG or head != _frame_head(found, last=bool(last), length=length):
            raise errors.damaged(name, f"the head of piece {number} was changed")
        body = reader.read(length)
        if len(body) < length:
            raise errors.truncated(name, f"piece {number} is not whole")
        try:
            piece = cipher.decrypt(found.to_bytes(12, "big"), body, head)
        except InvalidTag as error:
            raise errors.damaged(name, f"piece {number} was changed") from error
        if found != number:
            raise errors.reordered(name, f"piece {found} stands where piece {number} belongs")
        yield piece
        number += 1
        if last:
            if reader.read(1):
                raise errors.damaged(name, "there is something behind its end")
            return


def _open_header(reader: "_Reader", key: BackupKey, name: str) -> AESGCM:
    header = reader.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise errors.truncated(name, "its head is not whole")
    magic, key_id, salt, bound, crc = _HEADER.unpack(header)
    if magic != _MAGIC or crc != zlib.crc32(header[:-4]):
        raise errors.damaged(name, "its head was changed")
    if key_id.hex() != key.id:
        raise errors.wrong_key(name, key_id.hex(), key.id)
    if bound != _name(name):
        raise errors.misplaced(name)
    return _cipher(key, salt, name)


def _name(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:16]


def _cipher(key: BackupKey, salt: bytes, name: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=salt, info=b"canonry backup " + name.encode()).derive(key.raw))


class _Reader:
    """Reads exact numbers of bytes from pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._buffer = bytearray()

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        while len(self._buffer) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._buffer += piece
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def all(self) -> Iterator[bytes]:
        """Yield what is left."""
        if self._buffer:
            yield bytes(self._buffer)
        yield from (piece for piece in self._pieces if piece)
