"""Pure decisions about previews: what they are called, how long they stay."""

import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta

from canonry.core.environments import preview_of
from canonry.core.errors import Invalid, Issue

LABEL = 63  # characters a label of a host name may have
_DIGITS = 8
_ATTEMPTS = 8
_LIFETIME = re.compile(r"([1-9][0-9]{0,5})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=365)


def environment_of(branch: str, pull_request: int | None, fork: str | None) -> str:
    """Return the environment of a preview. Pull requests of forks have one that no branch of ours can have: a branch has no colon."""
    return preview_of(f"pull:{pull_request}") if fork is not None else preview_of(branch)


def labels(slug: str, branch: str, pull_request: int | None) -> Iterator[str]:
    """Give the labels a preview may have, in the order to try them; always the same ones for the same branch.

    First `<slug>-pr-<n>`, or `<slug>-<branch>` when the branch reads the same as a label. The others end in digits made from the whole
    name, so that `a/b` and `a-b`, or two long names with the same beginning, differ.
    """
    name = f"pr-{pull_request}" if pull_request is not None else branch
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if words and len(slug) + 1 + len(words) <= LABEL:
        yield f"{slug}-{words}"
    for attempt in range(_ATTEMPTS):
        digits = hashlib.sha256(f"{name}\0{attempt}".encode()).hexdigest()[:_DIGITS]
        room = LABEL - len(slug) - len(digits) - 2
        cut = words[:room].strip("-")
        yield f"{slug}-{cut}-{digits}" if cut else f"{slug}-{digits}"


def parse_lifetime(text: str, *, field: str = "body.expires") -> timedelta:
    """Return how long `30m`, `12h` or `7d` is; at most 365 days. Raises: Invalid `invalid_lifetime`."""
    found = _LIFETIME.fullmatch(text)
    lifetime = int(found[1]) * _UNITS[found[2]] if found else None
    if lifetime is None or lifetime > _LONGEST:
        raise Invalid("invalid_lifetime", f"{text[:50]!r} is not a time to stay.", hint="Write minutes, hours or days like 30m, 12h or 7d.",
                      issues=[Issue(field, "not like 30m, 12h or 7d, or more than 365d", "lifetime")])  # fmt: skip
    return lifetime
