"""Options that several commands share, and how diagnostics are printed."""

from collections.abc import Iterable
from typing import Annotated, Any

from canonry.cli.arguments import argument, option

AsJson = Annotated[bool, option("--json", help="Print one JSON document.")]
Spec = Annotated[str | None, option("--spec", "-s", metavar="SPEC", help="Only this spec: its path, its file name or a part of the path.")]
SectionWord = Annotated[str, argument("SECTION", help="The id of a section, its number, or a part of its id.")]
State = Annotated[str | None, option("--status", metavar="STATE", help="Only sections in this state.")]
Cached = Annotated[bool, option("--cache/--no-cache", help="Read and keep what was parsed below .git, or parse everything again.")]

type Found = tuple[str, str, str, str, int, int]


def diagnostic_line(path: str, found: Found) -> str:
    """Return a diagnostic as compilers print it, with the hint."""
    rule, severity, message, hint, line, column = found
    return f"{path}:{line}:{column}: {severity}: {message} [{rule}]{f' {hint}' if hint else ''}"


def diagnostic_json(path: str, found: Found) -> dict[str, Any]:
    """Return a diagnostic as JSON."""
    rule, severity, message, hint, line, column = found
    return {"path": path, "line": line, "column": column, "severity": severity, "rule": rule, "message": message, "hint": hint}


def percent(part: int, whole: int) -> str:
    """Return a share in words for a table."""
    return f"{part}/{whole}" if whole else "-"


def print_lines(lines: Iterable[str]) -> None:
    """Print many lines at once."""
    text = "\n".join(lines)
    if text:
        print(text)
