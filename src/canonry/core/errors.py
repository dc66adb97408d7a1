"""The one error tree. Whatever is raised outside it is a bug.

    CanonryError                 code, message, hint
    ├─ Invalid                   well-formed but wrong; carries a list of issues
    ├─ Unauthenticated           who are you
    ├─ Denied                    you may not
    ├─ NotFound                  also for "you may not even know"
    ├─ Conflict                  taken, locked, moved on, wrong state
    ├─ TooLarge                  more bytes than are accepted
    ├─ Limited                   quota or rate; says when again
    ├─ NeedsAction               a person must do something; says what
    ├─ Unavailable               something outside failed; may be tried again
    └─ Unbuilt                   announced, and not in this version yet

The tables that map these kinds to an HTTP status, an exit code and a job's outcome live at the edges:
`http/errors.py`, `cli/errors.py`, `worker/main.py`. No HTTP number stands here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Issue:
    """One wrong place in an input: where (`"body.slug"`), what is wrong, and a stable code (`"pattern"`)."""

    path: str
    message: str
    code: str = "invalid"


class CanonryError(Exception):
    """An error that a user can understand.

    code: stable and machine-readable, snake case (`project_not_found`).
    message: what happened and where. hint: what to do next, or empty.
    """

    details: Mapping[str, object] = MappingProxyType({})
    """What else a program needs, by field of the answer; most errors have nothing."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Invalid(CanonryError):
    """The input is well-formed but wrong; `issues` names each field."""

    def __init__(self, code: str, message: str, *, hint: str = "", issues: Sequence[Issue] = ()) -> None:
        super().__init__(code, message, hint=hint)
        self.issues = tuple(issues)


class Unauthenticated(CanonryError):
    """Nobody, or somebody unknown, is calling."""


class Denied(CanonryError):
    """The caller is known and may not do this."""


class NotFound(CanonryError):
    """There is no such thing, or the caller may not even know of it."""


class Conflict(CanonryError):
    """Taken, locked, moved on, or in the wrong state."""


class TooLarge(CanonryError):
    """More bytes (or files) than are accepted."""


class Limited(CanonryError):
    """A quota or a rate is used up. `retry_after`: seconds, None when waiting does not help."""

    def __init__(self, code: str, message: str, *, hint: str = "", retry_after: int | None = None) -> None:
        super().__init__(code, message, hint=hint)
        self.retry_after = retry_after


class NeedsAction(CanonryError):
    """A person must do something first; the hint says what."""


class Unavailable(CanonryError):
    """Something outside failed; the same call may succeed later."""


class Unbuilt(CanonryError):
    """What was asked for is announced, and this version cannot do it yet; the hint says what to do instead."""
