"""Places in a page that links lead to: each heading gets the name that forges give it, so `#getting-started` works here as it does there.

Names begin with `section-`, as those of sections do: nothing an author writes can take the place of a name of the page around it.
"""

import re
from html import unescape
from urllib.parse import quote, unquote

PREFIX = "section-"
_LONGEST = 200
_HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)
_NAMED = re.compile(r'<section id="section-([^"]*)"')
_TAG = re.compile(r"<[^>]*>")
_LEFT_OUT = re.compile(r"[^\w\- ]")


def anchored(html: str) -> str:
    """Return clean HTML with an id for each heading; of headings with the same words the second is `…-1`, as on forges."""
    taken = set(_NAMED.findall(html))
    counts: dict[str, int] = {}

    def heading(match: re.Match[str]) -> str:
        slug = anchor_of(unescape(_TAG.sub("", match[2])))
        if not slug or html.endswith(f'<section id="{PREFIX}{slug}" class="spec-section">', 0, match.start()):
            return match[0]  # its section has this very name
        name = slug
        while name in taken:
            counts[slug] = counts.get(slug, 0) + 1
            name = f"{slug}-{counts[slug]}"
        taken.add(name)
        return f'<h{match[1]} id="{PREFIX}{name}">{match[2]}</h{match[1]}>'

    return _HEADING.sub(heading, html)


def anchor_of(words: str) -> str:
    """Return the name of a heading: lower case, `-` for each space, other signs left out."""
    return _LEFT_OUT.sub("", words.strip().lower()).replace(" ", "-")[:_LONGEST]


def fragment_of(written: str) -> str:
    """Return what stands behind `#` of a link to a heading; written: what its author put there."""
    name = unquote(written).lower()
    return quote(PREFIX + name) if name else ""
