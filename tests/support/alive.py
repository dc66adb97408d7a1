"""Finding what could run, load or cover something in a piece of HTML, with the parser that reads it as a browser would."""

import re
from html.parser import HTMLParser

_TAGS = frozenset(
    {
        "script",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "meta",
        "style",
        "svg",
        "math",
        "link",
        "template",
        "textarea",
        "button",
        "noscript",
        "video",
    }
)
_ATTRIBUTES = frozenset({"style", "srcdoc", "formaction", "autofocus", "id", "name", "target", "srcset", "action"})
_SCHEME = re.compile(r"[\s\x00-\x20]*(?!https?:|mailto:)[a-z][a-z0-9+.\s-]*:", re.IGNORECASE)


def what_is_alive(html: str) -> list[str]:
    """Return the tags and attributes that must not be there; an id is one of ours when it begins with `section-`."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _TAGS:
            self.found.append(tag)
        for name, value in attrs:
            is_ours = tag in {"section", "h1", "h2", "h3", "h4", "h5", "h6"} and name == "id" and str(value).startswith("section-")
            if name.startswith("on") or (name in _ATTRIBUTES and not is_ours):
                self.found.append(f"{tag} {name}={value}")
            if name in {"href", "src"} and _SCHEME.match(value or ""):
                self.found.append(f"{tag} {name}={value}")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"<!--{data}")
