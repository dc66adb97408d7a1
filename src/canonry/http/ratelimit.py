"""How often who may call what: one table of policies, and the counting.

A request is counted once, when it is known who calls (http/gate.py) or that nothing is there to be called (http/middleware.py).
"""

import hashlib
import ipaddress
import math
import re
import time
from dataclasses import dataclass
from enum import StrEnum

from fastapi import Request

from canonry.core.access import Actor
from canonry.core.errors import CanonryError, Limited
from canonry.core.settings import Settings
from canonry.http.deps import actor_of
from canonry.ports.rates import Rates


class Per(StrEnum):
    """Who shares one budget."""

    CALLER = "caller"  # a user, however many credentials they have; an address when nobody says who calls
    ADDRESS = "address"
    PATH = "path"  # whoever calls, from wherever: what a service outside sends to one address of ours; and as many from one address


@dataclass(frozen=True)
class Policy:
    """At most `limit` calls in `seconds` for each caller, address or path. anonymous: of those who do not say who they are."""

    name: str
    methods: str
    pattern: str
    limit: int
    seconds: int = 60
    per: Per = Per.CALLER
    anonymous: int = 0


@dataclass(frozen=True)
class Verdict:
    """What counting a request gave: what the headers of the answer say."""

    limit: int
    remaining: int
    resets_at: float

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return the three headers that every answer has."""
        return (
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % math.ceil(self.resets_at)),
        )


_FREE = re.compile(r"/healthz|/readyz|/reference(/.*)?")  # probes come all the time, and files that stay are cached


def policies(settings: Settings) -> tuple[Policy, ...]:
    """Return the table; the first that fits decides. Paths are those under /v1, also for their older twins."""
    return (
        Policy("hooks", "POST", r"/v1/projects/[^/]+/git/webhook|/webhooks?(/.*)?|/api/webhooks/.*", 6000, per=Per.PATH),
        Policy("polling", "POST", r"/auth/device/token", 60, per=Per.ADDRESS),
        Policy("sign-in", "POST", r"(/v1)?/auth/(?!refresh|revoke|account|organization).*", settings.rate_limit_sign_in, per=Per.ADDRESS),
        Policy("search", "GET", r"/app/[^/]+/(api/)?search", settings.rate_limit_search, anonymous=settings.rate_limit_anonymous),
        Policy("writing", "POST", r"/app/[^/]+/editor/.*/(ai-edit|generate)", 10, 300),
        Policy("git", "GET POST", r"/git/.*", 600, per=Per.ADDRESS),
        Policy("preflight", "OPTIONS", r".*", settings.rate_limit, per=Per.ADDRESS),
        Policy("calls", "", r".*", settings.rate_limit, anonymous=settings.rate_limit_anonymous),
    )


class RateLimiter:
    """Counts requests and says when it is enough."""

    def __init__(self, rates: Rates, settings: Settings) -> None:
        self._rates = rates
        self._table = [(set(policy.methods.split()), re.compile(policy.pattern, re.DOTALL), policy) for policy in policies(settings)]

    def policy(self, method: str, path: str) -> Policy | None:
        """Return what holds for this address, None for what is not counted."""
        if _FREE.fullmatch(path):
            return None
        return next(policy for methods, pattern, policy in self._table if (not methods or method in methods) and pattern.fullmatch(path))

    def is_free(self, request: Request) -> bool:
        """Say whether this request is not counted."""
        return self.policy(request.scope["method"], request.scope["path"]) is None

    def asks_who(self, request: Request) -> bool:
        """Say whether it matters who calls."""
        policy = self.policy(request.scope["method"], request.scope["path"])
        return policy is not None and policy.per is Per.CALLER

    def excuse(self, request: Request) -> None:
        """Keep a verdict for the headers without counting."""
        policy = self.policy(request.scope["method"], request.scope["path"])
        request.scope["rate"] = Verdict(policy.limit, policy.limit, time.time() + policy.seconds) if policy else None

    def count(self, request: Request, actor: Actor | None) -> None:
        """Count a request, once, and keep the verdict for the headers of its answer. Raises: Limited `rate_limited`."""
        scope = request.scope
        if "rate" in scope:
            return
        policy = self.policy(scope["method"], scope["path"])
        scope["rate"] = None
        if policy is None:
            return
        limit, who = policy.limit, actor.user_id if policy.per is Per.CALLER and actor is not None else _address(request)
        if policy.per is Per.PATH:
            # Whoever makes up paths has one budget for all of them. A path is long: of what is made up little is kept.
            if (hit := self._rates.hit(f"{policy.name} from {who}", policy.seconds)).used > limit:
                scope["rate"] = Verdict(limit, 0, hit.resets_at)
                raise _too_many(policy, limit, hit.resets_at, known=True)
            who = hashlib.sha256(scope["path"].encode(errors="surrogateescape")).hexdigest()
        elif policy.per is Per.CALLER and actor is None:
            limit = policy.anonymous or policy.limit
        hit = self._rates.hit(f"{policy.name} {who}", policy.seconds)
        scope["rate"] = Verdict(limit, max(0, limit - hit.used), hit.resets_at)
        if hit.used > limit:
            raise _too_many(policy, limit, hit.resets_at, known=actor is not None)


def caller_of(request: Request) -> Actor | None:
    """Return who calls, None when they do not say, or not truly."""
    try:
        return actor_of(request)
    except CanonryError:
        return None


def limiter_of(request: Request) -> RateLimiter:
    """Return the limiter of the running application."""
    limiter: RateLimiter = request.app.state.limiter
    return limiter


def _address(request: Request) -> str:
    """Return who shares the budget of an address: itself, and of IPv6 the network that one household has."""
    text = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.version == 4:
        return text
    if address.ipv4_mapped is not None:  # all of IPv4 lies in one /64
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def _too_many(policy: Policy, limit: int, resets_at: float, *, known: bool) -> Limited:
    wait = max(1, math.ceil(resets_at - time.time()))
    hint = f"Come again in {wait} s." if known or not policy.anonymous else f"Come again in {wait} s, or send a token, which allows more."
    period = "minute" if policy.seconds == 60 else f"{policy.seconds // 60} minutes"
    return Limited("rate_limited", f"More than {limit} calls in one {period}.", hint=hint, retry_after=wait)
