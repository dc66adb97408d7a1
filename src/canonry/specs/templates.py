"""What a new file begins with."""

import re
from collections.abc import Mapping

from canonry.core.errors import Invalid
from canonry.specs.parser import slug_of

_PARTS: Mapping[str, tuple[str, ...]] = {
    "spec": ("Background", "Requirements", "Design", "Rollout Plan"),
    "proposal": ("Problem", "Proposal", "Alternatives", "Open Questions"),
    "design": ("Context", "Requirements", "Design", "Trade-offs"),
    "adr": ("Context", "Decision", "Consequences"),
}
_HINTS: Mapping[str, str] = {
    "Background": "Why this is needed, and for whom.", "Requirements": "What it shall do.", "Design": "How it works.",
    "Rollout Plan": "In which steps it goes live.", "Problem": "What is wrong today.", "Proposal": "What shall change.",
    "Alternatives": "What else was looked at, and why not.", "Open Questions": "What is not decided.", "Context": "What is given.",
    "Trade-offs": "What it costs.", "Decision": "What is done from now on.", "Consequences": "What follows from it.",
}  # fmt: skip
_CRITERIA: Mapping[str, str] = {"spec": "Requirements", "proposal": "Proposal", "design": "Requirements", "adr": "Consequences"}


def new_document(title: str, *, kind: str = "spec", owner: str = "", team: str = "", today: str) -> str:
    """Return the text of a new file. kind: spec, proposal, design or adr. today: YYYY-MM-DD. Raises: Invalid `type` or `title`."""
    if kind not in _PARTS:
        raise Invalid("type", f"`{kind}` is no type of document.", hint=f"Use one of {', '.join(_PARTS)}.")
    name = " ".join(title.split())
    if not name or len(name) > 200 or any(not sign.isprintable() for sign in name):
        raise Invalid("title", "A title is one line of 1 to 200 signs.", hint='Write --title "Refunds".')
    head = {"title": name, "status": "draft", "type": kind, "owner": owner, "team": team, "created": today, "updated": today}
    lines = [
        "---",
        *(f"{key}: {quoted(value)}" for key, value in head.items() if value),
        "tags: []",
        "review_status: draft",
        "---",
        "",
        f"# {name}",
        "",
    ]
    for number, part in enumerate(_PARTS[kind], 1):
        lines += [f"## {number}. {part}", "", f"<!-- canon:system:{number} status:draft -->", "", _HINTS[part], ""]
        if _CRITERIA[kind] == part:
            lines += ["### Acceptance Criteria", "", "- [ ] A user MUST be able to …", "- [ ] An answer SHOULD come within …", ""]
    return "\n".join(lines)


def editor_document(*, owner: str, today: str) -> str:
    """Return what the editor begins a new spec with. today: YYYY-MM-DD."""
    head = {"title": "Untitled Spec", "status": "draft", "type": "spec", "owner": owner}
    lines = ["---", *(f"{key}: {quoted(value)}" for key, value in head.items() if value),
             f"created: {today}", f"updated: {today}", "tags: []", "review_status: draft", "---", ""]  # fmt: skip
    parts = {"Overview": "What this is about.", **{name: _HINTS[name] for name in _PARTS["spec"][1:]}}
    for number, (part, hint) in enumerate(parts.items(), 1):
        lines += [f"## {number}. {part}", "", f"<!-- canon:system:{number} status:draft -->", "", hint, ""]
        if part == "Requirements":
            lines += ["### Acceptance Criteria", "", "- [ ] A user MUST be able to …", "- [ ] An answer SHOULD come within …", ""]
    return "\n".join(lines)


def file_name(title: str) -> str:
    """Return the name of the file for a title."""
    return f"{slug_of(title)[:80].strip('-')}.md"


def quoted(value: str) -> str:
    """Return a text as a YAML scalar, in quotes where it needs them."""
    is_plain = re.fullmatch(r"[A-Za-z][\w ./@-]*", value) and value.lower() not in {"null", "true", "false", "yes", "no", "on", "off"}
    return value if is_plain and not value.endswith(" ") else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
