"""The headers that keep browsers from doing with our answers what they are not for."""

from starlette.datastructures import MutableHeaders

ASKED = ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID")
"""The headers that a page of an allowed origin may send."""

EXPOSED = ("X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After", "Idempotency-Replayed")
"""The headers of ours that a page of an allowed origin may read."""

_HSTS = "max-age=31536000"

# JSON runs nothing and is framed nowhere. A page may use its own styles, and what this origin serves; nothing of another host.
CSP_DATA = "default-src 'none'; frame-ancestors 'none'"
CSP_PAGE = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def secure(headers: MutableHeaders, *, https: bool) -> None:
    """Add the headers to an answer; what a route has set itself stays."""
    page = headers.get("content-type", "").startswith("text/html")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Content-Security-Policy", CSP_PAGE if page else CSP_DATA)
    headers.setdefault("Cache-Control", "no-store")
    if https:
        headers.setdefault("Strict-Transport-Security", _HSTS)
