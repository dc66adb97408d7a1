"""The Markdown of this repository: pages, fenced blocks, links, commands."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.tree import ROOT, kept_files, read

_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`[^`\n]+`")
_COMMAND = re.compile(r"(?:^|\$\(|`)(canonry(?: [^`\n)\"]+)?)", re.MULTILINE)
_TARGET = re.compile(r"\bmake ([a-z][a-z-]*)\b")


@dataclass(frozen=True)
class Block:
    """A fenced block: the page it is on, the language it names, its text."""

    page: Path
    language: str
    text: str


def pages() -> list[Path]:
    """Return every page of ours (those of the examples included), relative to the root."""
    return [path for path in kept_files() if path.suffix == ".md"]


def blocks(*languages: str) -> list[Block]:
    """Return the fenced blocks in these languages."""
    found = [Block(page, language, text) for page in pages() for language, text in _FENCE.findall(read(page))]
    return [block for block in found if block.language in languages]


def links(page: Path) -> list[str]:
    """Return where a page leads to."""
    return _LINK.findall(_SPAN.sub("code", _FENCE.sub("", read(page))))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", read(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> list[str]:
    """Return each command line of ours on a page, without its program: `deploy path/to/app`."""
    text = "\n".join(line.strip() for line in read(page).splitlines())
    return [match.removeprefix("canonry").split(" | ")[0].split("#")[0].strip() for match in _COMMAND.findall(text)]


def targets(page: Path) -> list[str]:
    """Return each `make` target a page names in code."""
    text = read(page)
    code = [block for _, block in _FENCE.findall(text)] + re.findall(r"`([^`\n]+)`", text)
    return [target for part in code for target in _TARGET.findall(part)]


def absolute(page: Path, link: str) -> Path:
    """Return the file a relative link leads to."""
    return (ROOT / page.parent / link.partition("#")[0]).resolve()
