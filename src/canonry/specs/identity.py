"""What a criterion is called, and which criterion of a new version is which of the old one.

A criterion whose author named it, with `{#id}` at the end of its line or `AC-12:` in front of it, keeps that id whatever becomes of the
text. Any other is called `ac-` and ten hexadecimal digits: a hash over the words of its text without case, punctuation, markup, articles,
the words of strength (MUST, SHOULD …) and plural endings. So the id needs nothing but the sentence: it survives every change of its
neighbours, a move within the file or to another file, ticking, evidence and such small rewordings. The same sentence twice in a document
gets `-2`, `-3` … in the order of the file.

A larger rewording makes another hash. `carry` tells which criterion it was before: who keeps the versions (history, the index) carries
the first id on, so a criterion is called what it was called in the commit that brought it.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b

from canonry.specs.models import Criterion

NAMED_AT_END = re.compile(r"[ \t]*\{#([A-Za-z0-9][\w.-]{0,79})\}[ \t]*$")
_NAMED_IN_FRONT = re.compile(r"(AC-[A-Za-z0-9][\w.-]{0,79}):[ \t]")
_WORD = re.compile(r"[^\W_]+")
_WITHOUT_MEANING = frozenset("a an the of to is are be been it its this that must should shall may will".split())  # noqa: SIM905 -- easier to read
_LIKENESS = 0.5
_MOST_KNOWN = 1 << 16
_PAIRS = 250_000  # more are not compared: that is another document


def split_name(text: str) -> tuple[str, str | None]:
    """Return the text without a trailing `{#id}`, and the id that the author gave, None without one."""
    if text.endswith("}") and (match := NAMED_AT_END.search(text)):
        return text[: match.start()], match[1]
    if text.startswith("AC-") and (match := _NAMED_IN_FRONT.match(text)):
        return text, match[1]
    return text, None


def hashed_id(text: str) -> str:
    """Return the id that follows from the words of a criterion."""
    return f"ac-{blake2b(_meaning(text).encode(errors='replace'), digest_size=5).hexdigest()}"


def words_of(text: str) -> list[str]:
    """Return the words that carry the meaning, all of them when none does."""
    found = _meaning(text)
    return found.split(" ") if _WORD.search(found) else [text]


def carry(old: Sequence[Criterion], new: Sequence[Criterion]) -> dict[str, str]:
    """Return for each new criterion that was there before: its id → its id in `old`.

    Equal ids first; of the rest, the pairs whose words are most alike, at least by half, each criterion once. Ids that authors gave
    stand for themselves and are never taken for a rewording.
    """
    known = {criterion.id for criterion in old}
    present = {criterion.id for criterion in new}
    pairs = {criterion.id: criterion.id for criterion in new if criterion.id in known}
    gone = [(at, criterion) for at, criterion in enumerate(old) if criterion.id not in present and not criterion.is_named]
    come = [(at, criterion) for at, criterion in enumerate(new) if criterion.id not in known]
    if not gone or not come or len(gone) * len(come) > _PAIRS:
        return pairs
    before = [(at, criterion.id, frozenset(words_of(criterion.text))) for at, criterion in gone]
    after = [(at, criterion.id, frozenset(words_of(criterion.text))) for at, criterion in come]
    alike = [
        (-likeness, abs(at - was), new_id, old_id)
        for at, new_id, words in after
        for was, old_id, old_words in before
        if (likeness := 2 * len(words & old_words) / (len(words) + len(old_words))) >= _LIKENESS
    ]
    taken: set[str] = set()
    for _, _, new_id, old_id in sorted(alike):
        if new_id not in pairs and old_id not in taken:
            pairs[new_id] = old_id
            taken.add(old_id)
    return pairs


def _meaning(text: str) -> str:
    """Return the words that carry the meaning with a space between; all of them when none does; the text itself when it has no word."""
    if len(_KNOWN) > _MOST_KNOWN:
        _KNOWN.clear()
    return " ".join(filter(None, map(_KNOWN.__getitem__, text.split()))) or " ".join(_WORD.findall(text.casefold())) or text


class _Known(dict[str, str]):
    """What was read before: a piece of text between two spaces → its words that carry the meaning, with a space between."""

    def __missing__(self, piece: str) -> str:
        stems = self[piece] = " ".join(stem for word in _WORD.findall(piece.casefold()) if (stem := _stem(word)))
        return stems


_KNOWN = _Known()


def _stem(word: str) -> str:
    if word in _WITHOUT_MEANING:
        return ""
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word
