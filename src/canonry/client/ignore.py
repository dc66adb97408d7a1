"""What `.gitignore` says about a path, decided exactly as git decides it.

Each pattern becomes a regular expression over bytes, because git compares bytes. Written for this instead of taking a package:
the deploy command pays for every import, and the package at hand differs from git in corners (a test compares with `git check-ignore`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CLASSES = {
    b"alnum": b"0-9A-Za-z", b"alpha": b"A-Za-z", b"blank": rb" \t", b"cntrl": rb"\x00-\x1f\x7f", b"digit": b"0-9",
    b"graph": rb"\x21-\x7e",
    b"lower": b"a-z", b"print": rb"\x20-\x7e", b"punct": rb"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e", b"space": rb"\x20\t-\r",
    b"upper": b"A-Z", b"xdigit": b"0-9A-Fa-f",
}  # fmt: skip
_GLOB = re.compile(rb"[*?\[\\]")


@dataclass(frozen=True)
class _Pattern:
    regex: re.Pattern[bytes]
    negated: bool
    folders_only: bool
    by_name: bool


class IgnoreFile:
    """The patterns of one ignore file. Paths are relative to the folder it lies in, with `/`, as bytes."""

    def __init__(self, content: bytes) -> None:
        lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        patterns = [pattern for line in lines if (pattern := _parse(line))]
        self._patterns: Sequence[_Pattern] = tuple(reversed(patterns))  # the last one that matches decides

    def decide(self, path: bytes, *, is_folder: bool) -> bool | None:
        """Say whether `path` is ignored (True), expressly not ignored (False), or not mentioned (None).

        The folders above are not looked at: who walks the tree leaves out what an ignored folder holds.
        """
        name = path[path.rfind(b"/") + 1 :]
        for pattern in self._patterns:
            if (is_folder or not pattern.folders_only) and pattern.regex.match(name if pattern.by_name else path):
                return not pattern.negated
        return None


def _parse(line: bytes) -> _Pattern | None:
    if line.startswith(b"#"):
        return None
    text = _without_trailing_spaces(line.removesuffix(b"\r"))
    negated = text.startswith(b"!")
    text = text[negated:]
    folders_only = text.endswith(b"/")
    text = text.removesuffix(b"/")
    if not text:
        return None
    by_name = b"/" not in text
    translated = _translate(text.removeprefix(b"/"))
    if translated is None:
        return None
    return _Pattern(re.compile(rb"(?s:" + translated + rb")\Z"), negated, folders_only, by_name)


def _without_trailing_spaces(line: bytes) -> bytes:
    kept = line.rstrip(b" ")
    backslashes = len(kept) - len(kept.rstrip(b"\\"))
    # An odd number of backslashes quotes the first of the spaces.
    return line[: len(kept) + 1] if backslashes % 2 and len(kept) < len(line) else kept


def _translate(glob: bytes) -> bytes | None:
    """Return the regular expression for a pattern, None for one that can never match (an open bracket, a backslash at the end)."""
    wild = _GLOB.search(glob)
    start = wild.start() if wild else len(glob)
    out = [re.escape(glob[:start])]
    at = start
    while at < len(glob):
        letter = glob[at : at + 1]
        if letter == b"*":
            part, at = _stars(glob, at, start)
        elif letter == b"?":
            part, at = b"[^/]", at + 1
        elif letter == b"[":
            found = _bracket(glob, at + 1)
            if found is None:
                return None
            part, at = found
        elif letter == b"\\":
            if at + 1 == len(glob):
                return None
            part, at = re.escape(glob[at + 1 : at + 2]), at + 2
        else:
            part, at = re.escape(letter), at + 1
        out.append(part)
    return b"".join(out)


def _stars(glob: bytes, at: int, start: int) -> tuple[bytes, int]:
    end = at
    while glob[end : end + 1] == b"*":
        end += 1
    # git compares what stands before the first wildcard on its own, so two stars right after it count as standing at the beginning.
    opens = at == start or glob[at - 1 : at] == b"/"
    following = glob[end:]
    if end - at == 1 or not opens or not (following == b"" or following.startswith((b"/", b"\\/"))):
        return b"[^/]*", end
    if following.startswith(b"/"):
        return b"(?:.*/)?", end + 1
    return b".*", end


def _bracket(glob: bytes, at: int) -> tuple[bytes, int] | None:
    """Translate from behind the `[`; return the expression and where it ends, None when it never closes."""
    negated = glob[at : at + 1] in {b"!", b"^"}
    at += negated
    members: list[bytes] = []
    first = at
    while glob[at : at + 1] != b"]" or at == first:
        if glob.startswith(b"[:", at):
            end = glob.find(b"]", at + 2)
            if end > at + 2 and glob[end - 1 : end] == b":":
                name = glob[at + 2 : end - 1]
                if name not in _CLASSES:
                    return None
                members.append(_CLASSES[name])
                at = end + 1
                continue
        found = _letter(glob, at)
        if found is None:
            return None
        low, at = found
        high = low
        if glob[at : at + 1] == b"-" and glob[at + 1 : at + 2] not in {b"", b"]"}:
            found = _letter(glob, at + 1)
            if found is None:
                return None
            high, at = found
        members.append(b"\\x%02x-\\x%02x" % (low, max(low, high)))  # a range the wrong way round is its first letter
    inside = b"".join(members)
    if negated:
        return b"[^/" + inside + b"]", at + 1
    return (b"(?!/)[" + inside + b"]" if inside else b"(?!)"), at + 1


def _letter(glob: bytes, at: int) -> tuple[int, int] | None:
    if glob[at : at + 1] == b"\\":
        at += 1
    return (glob[at], at + 1) if at < len(glob) else None
