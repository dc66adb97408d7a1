"""The parts of a document that is no spec: what stands below each of its headings."""

import re

from canonry.features.search.models import Part

_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(\S.*)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MOST_PARTS = 1000


def parts_of(document_id: int, content: bytes) -> list[Part]:
    """Return the parts of a document in their order, with the lines they begin at; frontmatter is left out, fenced code is no heading."""
    lines = content.decode(errors="replace").replace("\0", "").split("\n")
    first = next((at + 1 for at, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), 0) if lines[0].rstrip() == "---" else 0
    starts, fence = [(first, "")], ""
    for at in range(first, len(lines)):
        if mark := _FENCE.match(lines[at]):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        elif not fence and (heading := _HEADING.match(lines[at])) and len(starts) < _MOST_PARTS:
            starts.append((at, heading[1].rstrip(" \t\r#")))
    ends = [at for at, _ in starts[1:]] + [len(lines)]
    return [
        Part(document_id, position, None, None, title, None, at + 1, "\n".join(lines[at + bool(title) : end]))
        for position, ((at, title), end) in enumerate(zip(starts, ends, strict=True))
    ]
