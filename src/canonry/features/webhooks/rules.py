"""Pure decisions: what is told, to whom, how it is signed, when it is tried again."""

import hashlib
import hmac
import ipaddress
import json
import random
import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from canonry.core.errors import Invalid, Issue
from canonry.features.webhooks.models import News
from canonry.infra.outbound import is_public, parse_url

PUBLISHED = ("deployment", "project", "domain", "preview", "member")
"""First words of the names of events that are told; the rest (sign-ins, tokens, webhooks) stays in the house."""
DEFAULT = ("deployment.*",)
PING = "webhook.ping"
DELAYS = (10, 60, 300, 1800, 7200, 21_600, 21_600)
"""Seconds before each further try."""
DEAD_AFTER = timedelta(days=5)
KEPT_DAYS = 30
_JITTER = 0.2
_PATTERN = re.compile(r"\*|[a-z_]+\.(\*|[a-z_]+)")
_EXCERPT = 500


def check_patterns(patterns: Sequence[str], known: Collection[str]) -> list[str]:
    """Return the patterns without repetition. known: the names of all events. Raises: Invalid `unknown_event`, naming what there is."""
    published = sorted(name for name in known if is_published(name))
    for number, pattern in enumerate(patterns):
        word = pattern.removesuffix(".*")
        fits = pattern == "*" or (pattern.endswith(".*") and word in PUBLISHED) or pattern in published
        if not _PATTERN.fullmatch(pattern) or not fits:
            raise Invalid("unknown_event", f"No event is called {pattern!r}.",
                          hint=f"There are {', '.join(f'{word}.*' for word in PUBLISHED)} and {', '.join(published)}.",
                          issues=[Issue(f"body.events.{number}", "no such event", "unknown")])  # fmt: skip
    return list(dict.fromkeys(patterns))


def check_target(url: str, *, allow_private: bool) -> str:
    """Return the address of a webhook. A name that leads inside is found out when it is called.

    Raises: Invalid `invalid_url`, `private_address`.
    """
    name = str(parse_url(url, "body.url").hostname)
    try:
        inside = not is_public(name)
    except ValueError:
        inside = name == "localhost" or name.endswith(".localhost")
    if inside and not allow_private:
        raise Invalid("private_address", f"{name} is an address inside this network, which users may not reach through Canonry.",
                      hint="CANONRY_ALLOW_PRIVATE_TARGETS=1 permits it.",
                      issues=[Issue("body.url", "not a public address", "private")])  # fmt: skip
    return url


def shown_target(url: str) -> str:
    """Return the part of an address that may be shown to everybody: paths and queries of webhooks often hold a secret."""
    parts = parse_url(url)
    host = str(parts.hostname)
    with_brackets = f"[{host}]" if _is_six(host) else host
    return f"{parts.scheme}://{with_brackets}" + (f":{parts.port}" if parts.port else "")


def is_published(name: str) -> bool:
    """Say whether events of that name are told at all."""
    return name.partition(".")[0] in PUBLISHED


def is_wanted(news: News) -> bool:
    """Say whether a webhook asked for this event."""
    if not is_published(news.name) or news.wanted_project_id not in {None, news.payload.get("project_id")}:
        return False
    word = news.name.partition(".")[0]
    return any(pattern in {"*", news.name, f"{word}.*"} for pattern in news.wanted)


def body_of(news: News) -> str:
    """Return the message about an event, as it is sent and signed."""
    project_id = news.payload.get("project_id")
    slug = news.slug or (news.before or {}).get("slug") or (news.after or {}).get("slug")
    facts = {key: value for key, value in news.payload.items() if key not in {"organization_id", "project_id"}}
    return _message(
        f"evt_{news.event_id}", news.name, news.at, news.organization_id, news.handle,
        project={"id": project_id, "slug": slug} if project_id else None,
        data={**facts, "before": news.before, "after": news.after, "actor": news.user_id or "system"},
    )  # fmt: skip


def ping_of(delivery_id: str, at: datetime, organization_id: str, handle: str) -> str:
    """Return the message of a test."""
    return _message(f"ping_{delivery_id}", PING, at, organization_id, handle, project=None, data={"message": "It works."})


def signature(secret: str, body: str, at: int) -> str:
    """Return the value of X-Canonry-Signature. at: seconds since 1970; a receiver refuses an old one."""
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def pause(tries: int) -> float | None:
    """Return how many seconds to wait after so many failed tries; None when it was the last."""
    if tries > len(DELAYS):
        return None
    return DELAYS[tries - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 -- to spread load, not to keep a secret


def hold(failing_for: timedelta) -> timedelta:
    """Return how long a webhook gets nothing after a failure: the longer it has failed, the longer, from 5 seconds to 5 minutes."""
    return max(timedelta(seconds=5), min(failing_for / 4, timedelta(minutes=5)))


def excerpt(body: bytes) -> str:
    """Return the beginning of an answer as text that a database and a terminal can hold."""
    text = body[: 4 * _EXCERPT].decode("utf-8", "replace")[:_EXCERPT]
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)


def _message(
    message_id: str, name: str, at: datetime, organization_id: str, handle: str, *, project: dict[str, Any] | None, data: dict[str, Any]
) -> str:
    document = {"id": message_id, "name": name, "at": at.isoformat(), "organization": {"id": organization_id, "handle": handle},
                "project": project, "data": data}  # fmt: skip
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _is_six(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
