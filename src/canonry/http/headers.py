"""The headers that keep browsers from doing with our answers what they are not for."""

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


_DATA = tuple(
    (name.encode(), text.encode())
    for name, text in (
        ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("x-frame-options", "DENY"),
        ("content-security-policy", CSP_DATA), ("cache-control", "no-store"),
    )
)  # fmt: skip
_PAGE = tuple((name, CSP_PAGE.encode() if name == b"content-security-policy" else text) for name, text in _DATA)
_HTTPS = ((b"strict-transport-security", _HSTS.encode()),)


def secure(headers: list[tuple[bytes, bytes]], *, https: bool) -> None:
    """Add the headers to those of an answer, names in lower case; what a route has set itself stays."""
    there = dict(headers)
    ours = _PAGE if there.get(b"content-type", b"").startswith(b"text/html") else _DATA
    headers.extend(header for header in (ours + _HTTPS if https else ours) if header[0] not in there)
