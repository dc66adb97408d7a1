"""Caddy routes that answer the plain pages: HTML, or JSON or text when the client asks for that."""

from typing import Any

from canonry.adapters.edge.pages import PlainPage

type Route = dict[str, Any]


def page_routes(page: PlainPage, *, html_by_default: bool = True) -> list[Route]:
    """Return routes that together answer `page` to every request. html_by_default: to clients that accept anything, else JSON."""
    as_html = _answer(page, "text/html; charset=utf-8", page.as_html())
    as_json = _answer(page, "application/json", _verbatim(page.as_json("%ID%")).replace("%ID%", "{http.request.uuid}"))
    as_text = _answer(page, "text/plain; charset=utf-8", page.as_text())
    return [
        {"match": [{"header": {"Accept": ["*text/html*"]}}], "handle": [as_html]},
        {"match": [{"header": {"Accept": ["*application/json*", "*application/problem+json*"]}}], "handle": [as_json]},
        {"match": [{"header": {"Accept": ["*text/plain*"]}}], "handle": [as_text]},
        {"handle": [as_html if html_by_default else as_json]},
    ]


def _answer(page: PlainPage, kind: str, body: str) -> Route:
    headers = {"Content-Type": [kind], "Cache-Control": ["no-store"]}
    if page.retry_after:
        headers["Retry-After"] = [str(page.retry_after)]
    return {
        "handler": "static_response",
        "status_code": page.status,
        "headers": headers,
        "body": body if kind.endswith("json") else _verbatim(body),
    }


def _verbatim(text: str) -> str:
    """Caddy takes `{...}` in a body for a placeholder; a backslash before the brace keeps it."""
    return text.replace("{", "\\{").replace("}", "\\}")
