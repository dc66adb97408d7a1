"""Paths of files in a repository: parsed once, then keys into the tree of a commit. They never reach a file system."""

import unicodedata

from canonry.core.errors import Invalid, Issue

_LONGEST = 1000  # characters; git itself allows 4096 bytes
_IGNORED_BY_MACS = dict.fromkeys(
    map(ord, "\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u206a\u206b\u206c\u206d\u206e\u206f\ufeff")
)


def parse_file_path(text: str) -> str:
    """Return the path of a file in a repository, as it was given: relative, `/` between the names.

    Refused is what could mean something else to git, to a file system or to the eye: empty names, `.` and `..`, a leading `/`, a backslash,
    control characters, surrogates, `.git` in any spelling that some file system takes for it, and text that is not in Unicode's form C
    (two spellings that look alike would be two files). Source: git's `core.protectNTFS` and `core.protectHFS`.
    Raises: Invalid `invalid_path`.
    """
    if fault := _fault(text):
        raise Invalid("invalid_path", f"{text[:200]!r} cannot be the path of a file: {fault}.",
                      hint="Give it relative to the top of the repository, for example docs/specs/login.md.",
                      issues=[Issue("file_path", fault, "path")])  # fmt: skip
    return text


def _fault(text: str) -> str:
    if not text:
        return "it is empty"
    if len(text) > _LONGEST:
        return f"it is longer than {_LONGEST} characters"
    if "\\" in text:
        return "it contains a backslash"
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        return "it contains a control character"
    if unicodedata.normalize("NFC", text) != text:
        return "its letters are not in Unicode's composed form (NFC)"
    return next((fault for name in text.split("/") if (fault := _fault_of_name(name))), "")


def _fault_of_name(name: str) -> str:
    if not name:
        return "it starts or ends with a slash, or has two in a row"
    if name in {".", ".."}:
        return f"it contains {name}"
    # NTFS drops dots and blanks at the end, and what follows a colon; HFS+ drops letters that cannot be seen; git~1 is the old short name.
    plain = name.translate(_IGNORED_BY_MACS).casefold().partition(":")[0].rstrip(". ")
    return "it names git's own folder" if plain in {".git", "git~1"} else ""
