"""What somebody typed, as words. Nothing in it is an operator, and nothing in it can break the query."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_MOST_WORDS = 12
_LONGEST_WORD = 60
_BEFORE, _AFTER = 40, 120


@dataclass(frozen=True)
class Term:
    """One word of a query. lexemes: what it is looked up as, stems or words like it; each matches what begins so.

    whole: lexeme → all words of the index that begin so, where they are known: to look for these is quicker than for beginnings.
    """

    word: str
    lexemes: tuple[str, ...]
    whole: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_nowhere(self) -> bool:
        """Whether it is known that no document has it."""
        return all(self.whole.get(lexeme) == () for lexeme in self.lexemes)


def words_of(text: str) -> list[str]:
    """Return the words of a query, in lower case, each once, at most twelve."""
    words = [match[0].lower()[:_LONGEST_WORD] for match in _WORD.finditer(text)]
    return list(dict.fromkeys(words))[:_MOST_WORDS]


def tsquery(terms: list[Term]) -> str:
    """Return the text of a tsquery: every term, one of its lexemes each."""
    return " & ".join("(" + " | ".join(operand for lexeme in term.lexemes for operand in _operands(term, lexeme)) + ")" for term in terms)


def _operands(term: Term, lexeme: str) -> list[str]:
    whole = term.whole.get(lexeme)
    return [_quoted(word) for word in whole] if whole else [f"{_quoted(lexeme)}:*"]


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def any_of(choices: list[list[Term]]) -> str:
    """Return the text of a tsquery: every term of one of the choices."""
    return " | ".join(f"({tsquery(choice)})" for choice in choices)


def finder(terms: list[Term]) -> re.Pattern[str]:
    """Return the expression that finds words as the index finds them, for marking them in a text."""
    stems = sorted({_beginning(lexeme) for term in terms for lexeme in (*term.lexemes, term.word)}, key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(re.escape(stem) for stem in stems)})[^\W_]*", re.IGNORECASE)


def counter(terms: list[Term]) -> Callable[[str], int]:
    """Return what says how many of the terms stand in a text: the same words as `finder`, many times as quick, for many texts."""
    beginnings = [sorted({_beginning(lexeme) for lexeme in (*term.lexemes, term.word)}, key=len) for term in terms]

    def count(text: str) -> int:
        lower, found = text.lower(), 0
        for stems in beginnings:
            for stem in stems:
                if (at := lower.find(stem)) >= 0 and (at == 0 or not lower[at - 1].isalnum() or _begins_a_word(stem, lower, at)):
                    found += 1
                    break
        return found

    return count


def _begins_a_word(stem: str, text: str, at: int) -> bool:
    while at > 0 and text[at - 1].isalnum():
        at = text.find(stem, at + 1)
    return at >= 0


def snippet(pattern: re.Pattern[str], text: str) -> str:
    """Return the surroundings of the first hit, as HTML: escaped, the hits in `<mark>`, `...` where it was cut."""
    flat = " ".join(_seen(text).split())
    match = pattern.search(flat)
    at = match.start() if match else 0
    start, end = max(0, at - _BEFORE), min(len(flat), at + _AFTER)
    piece, parts, last = flat[start:end], list[str](), 0
    for found in pattern.finditer(piece):
        parts += [escape(piece[last : found.start()]), f"<mark>{escape(found[0])}</mark>"]
        last = found.end()
    parts.append(escape(piece[last:]))
    return ("..." if start else "") + "".join(parts) + ("..." if end < len(flat) else "")


def _seen(text: str) -> str:
    """Return a text without its comments, which nobody sees on a page either. One that has no end is no comment."""
    parts, at = list[str](), 0
    while (begin := text.find("<!--", at)) >= 0 and (end := text.find("-->", begin + 4)) >= 0:
        parts.append(text[at:begin])
        at = end + 3
    return " ".join([*parts, text[at:]])


def _beginning(lexeme: str) -> str:
    """Return how words begin that have this stem: `retri` is the stem of `retry` as well."""
    return lexeme[:-1] if len(lexeme) > 3 and lexeme.endswith("i") else lexeme
