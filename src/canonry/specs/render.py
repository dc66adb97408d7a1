"""From a document to HTML that is safe to put into a page: pyromark makes it, nh3 always has the last word, then headings get their names.

What would take long is refused before the library sees it and shown as plain text instead: deep nesting (nh3 takes seconds for 50 kB of
`>`), tables that grow (5 kB of header cells become a megabyte) and files over 500,000 characters. Raw HTML is kept as far as it is
harmless. Relative links and images lead to the file they mean inside the repository, and nowhere if they leave it.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from posixpath import normpath
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from canonry.specs.anchors import anchored, fragment_of
from canonry.specs.models import Criterion, Document, Scenario, Section, Ticket

if TYPE_CHECKING:
    from nh3 import Cleaner

MAX_CHARACTERS = 500_000
MAX_NESTING = 100
MAX_CELLS = 200_000
_TAG_NAMES = """
a abbr b blockquote br caption code col colgroup dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img
input ins kbd li mark ol p pre q s samp section small span strong sub summary sup table tbody td tfoot th thead tr u ul var wbr"""
_TAGS = frozenset(_TAG_NAMES.split())
_USER_TAGS = _TAGS - {"section"}
_USER_ATTRIBUTES = {
    "a": {"href", "title"}, "img": {"src", "alt", "title", "width", "height"}, "ol": {"start"}, "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"}, "input": {"checked"}, "code": {"class"},
}  # fmt: skip
_OUR_ATTRIBUTES = {**_USER_ATTRIBUTES, "section": {"id", "class"}, "span": {"class"}, "ul": {"class"}, "li": {"class"}, "p": {"class"},
                   "a": {"href", "title", "class"}}  # fmt: skip
_QUOTES = re.compile(r"^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])))+", re.MULTILINE)
_MARKERS = re.compile(r">|[-*+]|\d+[.)]")
_SIGNS = ">-*+.)"  # each marker has one
_RULER = re.compile(r"^[ \t>]*[|:-][|: \t-]*$", re.MULTILINE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_VOID = frozenset({"br", "hr", "img", "input", "col", "wbr", "area", "embed", "source", "meta", "link", "base"})
_COMMENT = re.compile(r"^[ \t]*<!--[ \t]*(?:canon|specwright):[^\n]*-->[ \t]*$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")
_IS_PAGE = re.compile(r"\.(?:md|markdown)$", re.IGNORECASE)
_GITHUB_TICKET = re.compile(r"(?:(?:([\w.-]+)/)?([\w.-]+)#|#)?(\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document lies, so that links in it can be followed.

    path: of the file below the root of the repository. pages: makes the address of a file of the repository that a link leads to; files:
    of one that an image shows. repository: `owner/name` for tickets on GitHub that name none.
    """

    path: str = ""
    pages: Callable[[str], str] = quote
    files: Callable[[str], str] = quote
    repository: str = ""


def render(document: Document, place: Place | None = None) -> str:
    """Return the HTML of a spec: each section in a container `section-<id>` with its badges, text, criteria, scenarios and children."""
    where = place or Place()
    if len(document.text) > MAX_CHARACTERS:
        return _as_text(document.text)
    parts = [_markdown(_before_sections(document), where), *(_section(section, where) for section in document.sections)]
    return anchored(_cleaner(is_ours=True, place=None).clean("".join(parts)))


def render_markdown(text: str, place: Place | None = None) -> str:
    """Return the HTML of any Markdown file; a frontmatter is left out."""
    body = text
    if text.startswith("---\n") and (end := text.find("\n---\n", 3)) >= 0:
        body = text[end + 5 :]
    return anchored(_markdown(body, place or Place()))


def _section(section: Section, place: Place) -> str:
    level = min(section.depth + 1, 6)
    badges = [f'<span class="status status-{escape(section.status.state)}">{escape(section.status.state.replace("_", " "))}</span>']
    if section.delta:
        badges.append(f'<span class="delta delta-{escape(section.delta.kind)}">{escape(section.delta.kind)}</span>')
    if section.ticket:
        badges.append(_ticket(section.ticket, place))
    if section.status.blocked_by:
        badges.append(f'<span class="blocked-by">blocked by {escape(section.status.blocked_by)}</span>')
    return "".join([
        f'<section id="section-{escape(section.id)}" class="spec-section"><h{level}>{escape(section.heading)}</h{level}>',
        f'<p class="badges">{" ".join(badges)}</p>',
        _markdown(_body(section), place),
        _criteria(section.criteria),
        *(_scenario(scenario) for scenario in section.scenarios),
        *(_section(child, place) for child in section.children),
        "</section>",
    ])  # fmt: skip


def _criteria(criteria: tuple[Criterion, ...]) -> str:
    if not criteria:
        return ""
    items = (
        f'<li class="criterion"><input{" checked" if criterion.checked else ""}> {_inline(criterion.text)}'
        + "".join(f' <span class="evidence">{escape(item.source)} {escape(item.path)}{f":{item.lines}" if item.lines else ""}</span>'
                  for item in criterion.evidence) + "</li>"
        for criterion in criteria
    )  # fmt: skip
    return f'<ul class="criteria">{"".join(items)}</ul>'


def _scenario(scenario: Scenario) -> str:
    steps = "".join(f"<li><strong>{escape(step.keyword)}</strong> {_inline(step.text)}</li>" for step in scenario.steps)
    return f'<p class="scenario">Scenario: {_inline(scenario.name)}</p><ul class="steps">{steps}</ul>'


def _inline(text: str) -> str:
    """Return one line of text, its code spans as such; anything else as it stands."""
    if "`" not in text:
        return escape(text)
    parts = _CODE.split(text)
    return "".join(f"<code>{escape(part)}</code>" if at % 2 else escape(part) for at, part in enumerate(parts))


def _ticket(ticket: Ticket, place: Place) -> str:
    url = ticket.url if ticket.url and urlsplit_or_none(ticket.url) else None
    if url is None and ticket.system == "github" and (match := _GITHUB_TICKET.fullmatch(ticket.id)):
        owner, _, name = place.repository.partition("/")
        owner, name = match[1] or owner, match[2] or name
        url = f"https://github.com/{owner}/{name}/issues/{match[3]}" if owner and name else None
    label = escape(ticket.id)
    return f'<a class="ticket" href="{escape(url)}">{label}</a>' if url else f'<span class="ticket">{label}</span>'


def urlsplit_or_none(url: str) -> str | None:
    """Return an address if it is one of http or https."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc else None


def _before_sections(document: Document) -> str:
    lines = document.text.split("\n")
    first = min((section.start_line for section in document.sections), default=len(lines) + 1)
    return "\n".join(lines[document.body_line - 1 : first - 1])


def _body(section: Section) -> str:
    """Return the text of a section without what is drawn apart: comments, criteria, scenarios and their headings."""
    lines: list[str] = section.content.split("\n")
    drawn = {line for criterion in section.criteria for line in range(criterion.line, criterion.end_line + 1)}
    drawn |= {item.line for criterion in section.criteria for item in criterion.evidence}
    drawn |= {line for scenario in section.scenarios for line in (scenario.line, *(step.line for step in scenario.steps))}
    kept = ["" if number in drawn or line.strip() in {"### Acceptance Criteria", "## Acceptance Criteria"} else line
            for number, line in enumerate(lines, section.start_line + 1)]  # fmt: skip
    return _COMMENT.sub("", "\n".join(kept))


def _markdown(text: str, place: Place) -> str:
    if not text.strip():
        return ""
    if not _is_harmless(text):
        return _as_text(text)
    import pyromark  # noqa: PLC0415 -- loaded when something is shown

    options = pyromark.Options
    html = pyromark.html(text, options=options.ENABLE_TABLES | options.ENABLE_TASKLISTS | options.ENABLE_STRIKETHROUGH)
    if not _is_flat(html):
        return _as_text(text)
    return _cleaner(is_ours=False, place=place).clean(html)


def _is_harmless(text: str) -> bool:
    """Say whether a text is neither long, nor deep, nor a table that grows. What has too few signs for it is not looked at closely."""
    if len(text) > MAX_CHARACTERS:
        return False
    if sum(map(text.count, _SIGNS)) > MAX_NESTING and any(
        len(_MARKERS.findall(match[0])) > MAX_NESTING for match in _QUOTES.finditer(text)
    ):
        return False
    lines = text.count("\n")
    return (
        text.count("|") * lines <= MAX_CELLS
        or max((match[0].count("|") for match in _RULER.finditer(text)), default=0) * lines <= MAX_CELLS
    )


def _is_flat(html: str) -> bool:
    if html.count("<") <= 2 * MAX_NESTING:
        return True
    depth = 0
    for match in _TAG.finditer(html):
        if match[2].lower() in _VOID:
            continue
        depth += -1 if match[1] else 1
        if depth > 2 * MAX_NESTING:
            return False
    return True


def _as_text(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


@functools.lru_cache(16)
def _cleaner(*, is_ours: bool, place: Place | None) -> "Cleaner":
    """Return what takes out of HTML whatever is not known to be harmless.

    One is made for each document: making it takes longer than what it does to a section.
    """
    import nh3  # noqa: PLC0415 -- loaded when something is shown

    def attribute(tag: str, name: str, value: str) -> str | None:
        if name == "class" and tag == "code":
            return value if re.fullmatch(r"language-[\w+-]{1,40}", value) else None
        if place is not None and name in {"href", "src"}:
            return resolve(value, place, is_image=name == "src")
        return value

    return nh3.Cleaner(
        tags=set(_TAGS if is_ours else _USER_TAGS), attributes=_OUR_ATTRIBUTES if is_ours else _USER_ATTRIBUTES,
        attribute_filter=None if is_ours else attribute,  # what is ours holds nothing of a user that has not gone through it before
        url_schemes={"http", "https", "mailto"}, link_rel="noopener nofollow",
        set_tag_attribute_values={"input": {"type": "checkbox", "disabled": ""}},
    )  # fmt: skip


def resolve(link: str, place: Place, *, is_image: bool = False) -> str | None:
    """Return where a link of a document leads: outside as it is, inside the repository by the address of the file, None for nowhere."""
    wanted = link.strip()
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return None
    if parts.scheme:
        return wanted
    if wanted.startswith("#"):
        return f"#{fragment_of(wanted[1:])}"
    path = unquote(parts.path)
    if parts.netloc or wanted.startswith("//") or "\\" in path or any(ord(sign) < 32 for sign in path):
        return None
    folder = "" if path.startswith("/") else place.path.rpartition("/")[0]
    inside = normpath(f"{folder}/{path.lstrip('/')}".lstrip("/"))
    if inside == ".." or inside.startswith("../"):
        return None
    address = place.files(inside) if is_image else place.pages(inside)
    if not parts.fragment or is_image:
        return address
    return f"{address}#{fragment_of(parts.fragment) if _IS_PAGE.search(inside) else parts.fragment}"
