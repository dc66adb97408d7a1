"""Patterns for paths: `*` and `?` stop at `/`, `**` crosses it."""

import re
from functools import lru_cache

MAX_LENGTH = 200
MAX_STARS = 2
"""Of `**` in a pattern, and of `*` between two slashes: more of them take long to match and mean nothing."""
MAX_PATH = 500


class GlobFault(Exception):
    """Why a pattern is none."""


class Glob:
    """A pattern below the root of a repository. Raises: GlobFault, for what leads out of it or takes long to match."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > MAX_LENGTH or len(re.findall(r"\*\*+", pattern)) > MAX_STARS:
            raise GlobFault(f"a pattern has at most {MAX_LENGTH} characters and {MAX_STARS} times **")
        parts = pattern.removeprefix("./").split("/")
        if pattern.startswith(("/", "~")) or "\\" in pattern or ".." in parts or "" in parts or any(ord(sign) < 32 for sign in pattern):
            raise GlobFault("a pattern is a path below the root, with / between folders and without ..")
        if any(len(re.findall(r"\*+", part)) > MAX_STARS for part in parts):
            raise GlobFault(f"a pattern has at most {MAX_STARS} stars between two slashes")
        self.pattern = "/".join(parts)
        fixed = next((at for at, part in enumerate(parts[:-1]) if "*" in part or "?" in part), len(parts) - 1)
        self.folder = "/".join(parts[:fixed])
        """The folder that everything it matches is in, without signs of patterns; empty for the root."""
        self.is_deep = any("**" in part for part in parts) or len(parts) - 1 > fixed
        """It may match below folders of `folder`."""
        self._match = _expression(self.pattern).fullmatch

    def matches(self, path: str) -> bool:
        """Return whether a path below the root, with `/` between folders, fits."""
        return len(path) <= MAX_PATH and self._match(path) is not None


@lru_cache(maxsize=256)
def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", re.sub(r"\*\*+", "**", pattern))
    meaning = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)


def is_spec_path(path: str, patterns: tuple[Glob, ...]) -> bool:
    """Return whether a file is a spec: one pattern fits, and its name does not start with `_`."""
    return not path.rpartition("/")[2].startswith("_") and any(glob.matches(path) for glob in patterns)
