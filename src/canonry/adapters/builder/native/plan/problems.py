"""The errors of planning, each with the place and the remedy."""

from collections.abc import Iterable

from canonry.core.errors import Invalid, Issue

_GUIDE = "docs/guides/canonry-toml.md"
_KNOWN = (
    "Canonry knows static sites (index.html), Python (requirements.txt, pyproject.toml, lock files), Node (package.json), "
    "Deno (deno.json), Go (go.mod) and start.sh"
)
_SHOWN_NAMES = 12


def invalid_config(place: str, problem: str, remedy: str) -> Invalid:
    """Say that a file or value which decides the plan is wrong. place: `canonry.toml build.python`; problem reads on from it."""
    return Invalid("invalid_config", f"{place} {problem}.", hint=remedy, issues=[Issue(place, problem, "invalid_config")])


def unknown_source(names: Iterable[str], problem: str = "", remedy: str = "") -> Invalid:
    """Nobody knows how to build or start this. names: what lies at the top of the source; problem and remedy replace the usual words."""
    listed = list(names)
    shown = ", ".join(listed[:_SHOWN_NAMES]) + (f" and {len(listed) - _SHOWN_NAMES} more" if len(listed) > _SHOWN_NAMES else "")
    found = f"Found: {shown}." if listed else "The source is empty."
    hint = remedy or f"{_KNOWN}. For anything else write a canonry.toml with [run] start, or a Procfile with web ({_GUIDE})."
    return Invalid("unknown_source", f"{problem or 'Canonry does not know how to run this source.'} {found}", hint=hint)
