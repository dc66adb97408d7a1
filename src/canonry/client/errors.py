"""From an HTTP answer back to the error tree: the mirror of `http/errors.py`."""

import json
from collections.abc import Mapping
from typing import Any

from canonry.core.errors import (
    CanonryError,
    Conflict,
    Denied,
    Invalid,
    Issue,
    Limited,
    NeedsAction,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unbuilt,
)

_KINDS: Mapping[int, type[CanonryError]] = {
    400: Invalid, 422: Invalid, 401: Unauthenticated, 402: NeedsAction, 403: Denied, 404: NotFound, 409: Conflict, 413: TooLarge,
    429: Limited, 501: Unbuilt, 502: Unavailable, 503: Unavailable, 504: Unavailable,
}  # fmt: skip
_UNAVAILABLE = frozenset({502, 503, 504})
_HINTS = {
    401: "Sign in again: canonry login. On the machine that runs Canonry, canonry up does it.",
    502: "Look at it with: canonry status. Start it with: canonry up.",
    503: "Look at it with: canonry status. Start it with: canonry up.",
}


def from_answer(status: int, body: bytes, url: str, retry_after: str | None = None) -> CanonryError:
    """Return the error that an answer of 400 or above stands for.

    url: where the request went, for the message when the answer is not Canonry's envelope.
    A server's own bug (500) and an unknown status come back as a bare CanonryError.
    """
    envelope = _envelope(body)
    if envelope is None:
        return _foreign(status, url)
    code, message = str(envelope["error"]), str(envelope.get("message") or envelope["error"])
    hint = str(envelope.get("hint") or _HINTS.get(status, ""))
    kind = _KINDS.get(status)
    if kind is None and 400 <= status < 500:
        kind = Invalid
    if kind is None:
        request = envelope.get("request_id")
        return CanonryError(code, message, hint=hint or (f"Its log has more under the request id {request}." if request else ""))
    if kind is Invalid:
        return Invalid(code, message, hint=hint, issues=_issues(envelope.get("issues")))
    if kind is Limited:
        seconds = int(retry_after) if retry_after and retry_after.isdigit() else None
        wait = f"Try again in {seconds} s." if seconds is not None else ""
        return Limited(code, message, hint=hint or wait, retry_after=seconds)
    return kind(code, message, hint=hint)


def from_document(document: Mapping[str, Any]) -> CanonryError:
    """Return the error inside a deployment (`{code, message, hint}`)."""
    return CanonryError(str(document.get("code") or "failed"), str(document.get("message") or "The deployment failed."),
                        hint=str(document.get("hint") or ""))  # fmt: skip


def _envelope(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) and isinstance(document.get("error"), str) else None


def _foreign(status: int, url: str) -> CanonryError:
    if status in _UNAVAILABLE:
        return Unavailable("canonry_unavailable", f"Canonry does not answer behind {url} (HTTP {status}).", hint=_HINTS[503])
    return Unavailable("not_canonry", f"What answers at {url} is not Canonry (HTTP {status}).",
                       hint="Check the address: canonry whoami shows it, canonry login --url URL changes it.")  # fmt: skip


def _issues(documents: object) -> tuple[Issue, ...]:
    if not isinstance(documents, list):
        return ()
    found = [item for item in documents if isinstance(item, dict)]
    return tuple(Issue(str(item.get("path", "")), str(item.get("message", "")), str(item.get("code", "invalid"))) for item in found)
