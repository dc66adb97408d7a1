"""Masking: secret values are taken out of text before anybody keeps or shows it."""

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "[redacted]"
_SHORTEST = 4  # characters; what is shorter would be found in every other word
_SHORTEST_CODED = 8
# Values that people set and everybody knows: masking them hides nothing and makes a log hard to read.
_NO_SECRETS = frozenset({"true", "false", "null", "none", "undefined", "production", "development", "preview", "localhost"})


class Mask:
    """Replaces secret values in text, each line of a value with several lines too, and values that were quoted for JSON, URLs or base64."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms = tuple(sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True))

    def __call__(self, text: str, *, begins_inside: bool = False, ends_inside: bool = False) -> str:
        """Return `text` with every secret value replaced by `[redacted]`.

        begins_inside, ends_inside: the text is a piece of a longer line; then the end or the beginning of a value at that border goes too.
        """
        spans = [span for form in self._forms if form in text for span in _places(text, form)]
        if begins_inside or ends_inside:
            spans += self._at_borders(text, begins_inside=begins_inside, ends_inside=ends_inside)
        return _without(text, spans) if spans else text

    def _at_borders(self, text: str, *, begins_inside: bool, ends_inside: bool) -> list[tuple[int, int]]:
        found = []
        for form in self._forms:
            if begins_inside and ends_inside and text in form:
                return [(0, len(text))]
            if ends_inside and (length := _overlap(text, form)):
                found.append((len(text) - length, len(text)))
            if begins_inside and (length := _overlap(form, text)):
                found.append((0, length))
        return found


def _forms(secret: str) -> set[str]:
    bare = secret.strip()
    if len(bare) < _SHORTEST or bare.lower() in _NO_SECRETS:
        return set()
    coded = [json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe=""), quote_plus(secret)]
    lines = [line.strip() for line in secret.splitlines()]
    found = {bare, *lines, *coded, *_base64_forms(secret.encode())}
    return {form for form in found if len(form) >= _SHORTEST and form.lower() not in _NO_SECRETS}


def _base64_forms(value: bytes) -> Iterable[str]:
    """Give what base64 makes of the value wherever it stands in a longer text: three ways, less the characters that neighbours decide."""
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + value).rstrip(b"=").decode()
        inner = coded[(0, 2, 3)[before] : len(coded) - (1 if (before + len(value)) % 3 else 0)]
        if len(inner) >= _SHORTEST_CODED:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def _places(text: str, form: str) -> Iterable[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _overlap(first: str, second: str) -> int:
    """Return the length of the longest end of `first` with which `second` begins, without being all of it."""
    start = max(0, len(first) - len(second) + 1)
    while second and (start := first.find(second[0], start)) >= 0:
        if second.startswith(first[start:]):
            return len(first) - start
        start += 1
    return 0


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    pieces, end = [], 0
    for start, stop in merged:
        pieces += [text[end:start], MASK]
        end = stop
    return "".join([*pieces, text[end:]])
