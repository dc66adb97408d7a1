"""Bytes, characters and lines of a file: decoded without failing, line ends of any kind, and where each line begins."""

import re

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_BOM = "\ufeff"


def decode(content: bytes) -> tuple[str, int | None]:
    """Return the text of a file and the line of the first byte that is no UTF-8 (None: all is). Such bytes become U+FFFD."""
    try:
        return content.decode(), None
    except UnicodeDecodeError as error:
        return content.decode(errors="replace"), len(split(content[: error.start].decode(errors="replace") + "."))


def unify(text: str) -> str:
    """Return the text without a byte order mark and with a line feed as its only line end."""
    text = text.removeprefix(_BOM)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split(text: str) -> list[str]:
    """Return the lines with their ends; put together they are the text again."""
    return _LINE.findall(text)


def byte_offsets(content: bytes) -> list[int]:
    """Return at which byte each line begins, and at the end the length of the file: line n is `content[offsets[n - 1] : offsets[n]]`."""
    offsets = [0]
    for line in split(content.decode(errors="surrogateescape")):
        offsets.append(offsets[-1] + len(line.encode(errors="surrogateescape")))
    return offsets
