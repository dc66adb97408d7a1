"""What a slug may be, and how one is made from a name."""

import re

from canonry.core.errors import Conflict, Invalid, Issue

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,48}[a-z0-9]")
SLUG_FORM = "3 to 50 lower-case letters, digits and inner hyphens"
_DERIVED_LENGTH = 40
RESERVED = frozenset({
    "admin", "api", "app", "apps", "assets", "auth", "billing", "blog", "canonry", "cdn", "console", "dashboard", "docs", "edge",
    "by-handle", "ftp", "git", "health", "help", "internal", "localhost", "login", "logout", "mail", "metrics", "ns1", "ns2", "preview",
    "production", "root", "smtp", "ssh", "static", "status", "support", "system", "webhook", "webhooks", "www"
})  # fmt: skip


def check_slug(slug: str) -> str:
    """Return `slug` when it may be used.

    Raises: Invalid `invalid_slug` (3 to 50 lower-case letters, digits, inner hyphens), Conflict `slug_reserved`.
    """
    if not SLUG.fullmatch(slug):
        raise Invalid("invalid_slug", f"The slug {slug!r} is not valid: {SLUG_FORM}.", hint="Choose another slug, like my-site.",
                      issues=[Issue("body.slug", SLUG_FORM, "pattern")])  # fmt: skip
    if slug in RESERVED:
        raise Conflict("slug_reserved", f"The slug {slug!r} is reserved.", hint="Choose another slug.")
    return slug


def derive_slug(name: str, attempt: int = 1) -> str:
    """Make a slug from a name; the n-th attempt ends in `-n`, so that a taken one has successors."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_DERIVED_LENGTH].strip("-") or "project"
    if len(words) < 3:
        words = f"{words}-app"
    if words in RESERVED:
        words = f"{words}-site"
    return words if attempt == 1 else f"{words}-{attempt}"
