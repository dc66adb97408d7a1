"""Where somebody is in the logs of a project: an offset for each instance."""

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from canonry.core.clock import now
from canonry.core.errors import Invalid, Issue

_RELATIVE = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def write_cursor(offsets: Mapping[str, int]) -> str:
    """Return the offsets as one opaque word."""
    return base64.urlsafe_b64encode(json.dumps(offsets, separators=(",", ":")).encode()).decode()


def parse_cursor(text: str) -> dict[str, int]:
    """Read what `write_cursor` wrote. Raises: Invalid `invalid_cursor`."""
    try:
        offsets = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, RecursionError) as error:
        raise _broken() from error
    if not isinstance(offsets, dict) or not all(type(value) is int and 0 <= value < 1 << 62 for value in offsets.values()):
        raise _broken()
    return offsets


def parse_since(text: str) -> datetime:
    """Read a moment: ISO 8601 (UTC when it names no zone), or so long ago: `90s`, `10m`, `2h`, `1d`. Raises: Invalid `invalid_since`."""
    try:
        if match := _RELATIVE.fullmatch(text):
            return now() - timedelta(**{_UNITS[match[2]]: int(match[1])})
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid("invalid_since", f"{text!r} is no time.", hint="Write it as 10m, 2h, 1d or 2026-11-22T10:31:07Z.",
                      issues=[Issue("query.since", "neither an ISO time nor a span", "time")]) from error  # fmt: skip
    return moment


def _broken() -> Invalid:
    return Invalid("invalid_cursor", "That cursor is not one of ours.", hint="Pass `next_cursor` of the last answer back, unchanged.",
                   issues=[Issue("query.cursor", "not a cursor", "cursor")])  # fmt: skip
