"""Moments as people write them: a time, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

from canonry.core.clock import now
from canonry.core.errors import Invalid, Issue

_RELATIVE = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_span(text: str) -> timedelta | None:
    """Read a span: `90s`, `10m`, `2h`, `1d`; None when it is none."""
    match = _RELATIVE.fullmatch(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def parse_since(text: str, field: str = "query.since") -> datetime:
    """Read a moment: ISO 8601 (UTC when it names no zone), or so long ago: `90s`, `10m`, `2h`, `1d`. Raises: Invalid `invalid_since`."""
    try:
        if (span := parse_span(text)) is not None:
            return now() - span
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid("invalid_since", f"{text!r} is no time.", hint="Write it as 10m, 2h, 1d or 2026-11-22T10:31:07Z.",
                      issues=[Issue(field, "neither an ISO time nor a span", "time")]) from error  # fmt: skip
    return moment
