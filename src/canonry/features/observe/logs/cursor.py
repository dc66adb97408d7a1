"""Where somebody is in the logs of a project: an offset for each instance."""

import base64
import json
from collections.abc import Mapping

from canonry.core.errors import Invalid, Issue


def write_cursor(offsets: Mapping[str, int]) -> str:
    """Return the offsets as one opaque word."""
    return base64.urlsafe_b64encode(json.dumps(offsets, separators=(",", ":")).encode()).decode()


def parse_cursor(text: str, field: str = "query.cursor") -> dict[str, int]:
    """Read what `write_cursor` wrote. Raises: Invalid `invalid_cursor`."""
    try:
        offsets = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, RecursionError) as error:
        raise _broken(field) from error
    if not isinstance(offsets, dict) or not all(type(value) is int and 0 <= value < 1 << 62 for value in offsets.values()):
        raise _broken(field)
    return offsets


def _broken(field: str) -> Invalid:
    return Invalid("invalid_cursor", "That cursor is not one of ours.", hint="Pass `next_cursor` of the last answer back, unchanged.",
                   issues=[Issue(field, "not a cursor", "cursor")])  # fmt: skip
