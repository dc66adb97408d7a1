"""A look into a tar that passes by: how many files are in it, and the content of a few small ones."""

from collections.abc import Iterable, Iterator

from canonry.infra.backup import errors

_BLOCK = 512
_LARGEST = 64 << 20  # of a file whose content is kept


class TarScanner:
    """Passes chunks on as they are. keep: names of files whose content is wanted; they are in `kept` afterwards."""

    def __init__(self, keep: Iterable[str]) -> None:
        self._wanted = frozenset(keep)
        self._head = bytearray()
        self._content = 0  # bytes of the current file that are still to come
        self._padding = 0
        self._into: bytearray | None = None
        self.kept: dict[str, bytearray] = {}
        self.files = 0
        self.size = 0

    def passing(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks, having looked at each. Raises: Conflict `backup_damaged` when they are no tar."""
        for chunk in chunks:
            self.feed(chunk)
            yield chunk

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes."""
        self.size += len(chunk)
        view = memoryview(chunk)
        while view:
            if self._content:
                part = view[: self._content]
                if self._into is not None:
                    self._into += part
                self._content -= len(part)
            elif self._padding:
                part = view[: self._padding]
                self._padding -= len(part)
            else:
                part = view[: _BLOCK - len(self._head)]
                self._head += part
                if len(self._head) == _BLOCK:
                    self._begin(bytes(self._head))
                    self._head.clear()
            view = view[len(part) :]

    def _begin(self, head: bytes) -> None:
        if not any(head):  # the end is blocks of zeros
            return
        if head[257:262] != b"ustar":
            raise errors.damaged("the base backup", "what the server sends is not a tar")
        name = head[:100].rstrip(b"\0").decode(errors="replace")
        text = head[124:136]
        size = int.from_bytes(text[1:]) if text[0] & 0x80 else int(text.rstrip(b"\0 ") or b"0", 8)
        self._content, self._padding = size, -size % _BLOCK
        self._into = None
        if head[156:157] in {b"0", b"\0"}:
            self.files += 1
            if name in self._wanted and size <= _LARGEST:
                self._into = self.kept[name] = bytearray()
