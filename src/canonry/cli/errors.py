"""From the error tree to exit codes and to what a person reads on stderr."""

import json
import sys
from collections.abc import Mapping

from canonry.core.errors import (
    CanonryError,
    Conflict,
    Denied,
    Invalid,
    Limited,
    NeedsAction,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unbuilt,
)

EXIT_CODES: Mapping[type[CanonryError], int] = {
    Invalid: 2, TooLarge: 2, Unauthenticated: 3, Denied: 3, NotFound: 4, Conflict: 5, Limited: 6, NeedsAction: 7,
    Unavailable: 8, Unbuilt: 8,
}  # fmt: skip
OWN_EXIT_CODES: Mapping[str, int] = {
    "already_running": 11, "port_taken": 12, "disk_full": 13, "home_not_writable": 14, "database_newer": 15, "database_version": 16,
}  # fmt: skip
"""What can stop `canonry up`: errors that a script may want to tell apart have an exit code of their own."""
FAILED = 1
"""A deployment failed, or a bug: an error of no kind in the table."""
USAGE = 2
CANCELLED = 9
"""The deployment that was followed has been cancelled."""
SUPERSEDED = 10
"""A newer deployment took the place of the one that was followed."""
INTERRUPTED = 130
BROKEN_PIPE = 141


def exit_code(error: CanonryError) -> int:
    """Return the exit code of an error of the tree."""
    if error.code in OWN_EXIT_CODES:
        return OWN_EXIT_CODES[error.code]
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), FAILED)


def show(error: CanonryError, *, as_json: bool = False) -> None:
    """Print an error on stderr: for people as `error:` and `hint:` lines, as JSON in the API's envelope."""
    issues = error.issues if isinstance(error, Invalid) else ()
    if as_json:
        document: dict[str, object] = {"error": error.code, "message": error.message}
        if error.hint:
            document["hint"] = error.hint
        if issues:
            document["issues"] = [{"path": issue.path, "message": issue.message, "code": issue.code} for issue in issues]
        print(json.dumps(document, ensure_ascii=False), file=sys.stderr)
        return
    print(f"error: {error.message}", file=sys.stderr)
    for issue in issues:
        print(f"  {issue.path}: {issue.message}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)
