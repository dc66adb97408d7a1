"""Version requirements of both worlds (`3.12`, `>=3.11,<3.13`, `^20.9 || >=22`, `18 - 20`, `20.x`) as plain comparisons.

A requirement is a list of alternatives; an alternative is a list of half-open ranges, of which a version must lie in all
(or, when negated, outside). Partial versions mean their whole line: `3.12` is 3.12.0 up to, without, 3.13.0.
"""

import re
from dataclasses import dataclass

type Version = tuple[int, int, int]

_TOP: Version = (1_000_000, 0, 0)
_BOTTOM: Version = (0, 0, 0)
_TERM = re.compile(r"(\^|~=|~>|~|===|==|=|!=|>=|<=|>|<)?\s*v?(\d{1,5}|[xX*])(?:\.(\d{1,5}|[xX*]))?(?:\.(\d{1,5}|[xX*]))?")
_HYPHEN = re.compile(r"v?([\d.]+)\s+-\s+v?([\d.]+)")
_PLAIN = re.compile(r"(?:==?=?\s*)?v?(\d{1,5}(?:\.\d{1,5}){0,2})(?:\.[xX*])*")
_LONGEST = 200


@dataclass(frozen=True)
class _Range:
    low: Version
    high: Version
    outside: bool = False

    def holds(self, version: Version) -> bool:
        return (self.low <= version < self.high) is not self.outside


class Requirement:
    """A parsed requirement. Raises ValueError for text that is none."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        if not self.text or len(self.text) > _LONGEST:
            message = f"not a version: {text[:40]!r}"
            raise ValueError(message)
        self._alternatives = [_parse_alternative(part) for part in self.text.split("||")]

    @property
    def plain(self) -> str | None:
        """The exact or partial version this names (`3.12`, `20.11.1`), None when it is a real range."""
        found = _PLAIN.fullmatch(self.text)
        return found[1] if found else None

    def admits(self, version: str) -> bool:
        """Say whether an exact version satisfies this, or, for a partial one, whether every version of its line does."""
        low, high = _line([int(part) for part in version.split(".")])
        last: Version = high if high == low else (high[0], high[1], high[2] - 1) if high[2] else _before(low, high)
        return any(all(term.holds(low) and term.holds(last) for term in terms) for terms in self._alternatives)


def satisfies(requirement: str, version: str) -> bool:
    """Say whether a version (`3.12.1`) satisfies a requirement of a plan's toolchain. Raises: ValueError when either is malformed."""
    return Requirement(requirement).admits(version)


def _before(low: Version, high: Version) -> Version:
    """Return a version as high as the line that starts at `low` gets, for a line that is wider than one version."""
    return (low[0], low[1], 999_999) if high[0] == low[0] else (low[0], 999_999, 999_999)


def _parse_alternative(text: str) -> list[_Range]:
    text = text.replace(",", " ").strip()
    if text in {"", "*", "x", "X"}:
        return [_Range(_BOTTOM, _TOP)]
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen:
        low, high = (_line([int(part) for part in side.split(".") if part]) for side in hyphen.groups())
        return [_Range(low[0], high[1])]
    ranges = []
    position = 0
    while position < len(text):
        term = _TERM.match(text, position)
        if term is None or (term.end() < len(text) and not text[term.end()].isspace()):
            message = f"not a version: {text!r}"
            raise ValueError(message)
        ranges.append(_parse_term(term))
        position = term.end()
        while position < len(text) and text[position].isspace():
            position += 1
    return ranges


def _parse_term(term: re.Match[str]) -> _Range:
    sign = term[1] or "="
    numbers = []
    for part in term.groups()[1:]:
        if part is None or not part.isdigit():
            break
        numbers.append(int(part))
    if not numbers:
        return _Range(_BOTTOM, _TOP)
    low, high = _line(numbers)
    if sign in {"=", "==", "==="}:
        return _Range(low, high)
    if sign == "!=":
        return _Range(low, high, outside=True)
    if sign in {"^", "~", "~=", "~>"}:
        return _Range(low, _ceiling(sign, numbers))
    return {">=": _Range(low, _TOP), ">": _Range(high, _TOP), "<=": _Range(_BOTTOM, high), "<": _Range(_BOTTOM, low)}[sign]


def _ceiling(sign: str, numbers: list[int]) -> Version:
    if sign == "^":
        steady = next((place for place, number in enumerate(numbers) if number), len(numbers) - 1)
        return _line(numbers[: steady + 1])[1]
    if sign in {"~=", "~>"}:
        return _line(numbers[: max(1, len(numbers) - 1)])[1]
    return _line(numbers[:2])[1]


def _line(numbers: list[int]) -> tuple[Version, Version]:
    """Return the half-open range that a partial version names."""
    low = [*numbers, 0, 0][:3]
    high = [*numbers[:-1], numbers[-1] + 1, 0, 0][:3]
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])
