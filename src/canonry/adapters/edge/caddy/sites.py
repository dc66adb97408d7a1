"""Caddy routes that serve a folder of static files, found by a placeholder."""

from typing import Any

from canonry.adapters.edge.caddy.pages import page_routes
from canonry.adapters.edge.pages import MISSING

type Route = dict[str, Any]

_PATH = "{http.request.uri.path}"
_FOREVER = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"

# A year of caching is only safe for a name that changes with the content. Anywhere: 8 or more hexadecimal digits, letters and
# figures mixed (`app.3f9a2b1c.js`; not `report-20240101.pdf`, not `decade.css`). In the folders where bundlers put nothing
# but their output, also their other alphabets (`assets/index-BxQ3k_9z.js`).
_HEX_NAME = r"[.\-_][0-9a-f]{8,64}\.[A-Za-z0-9.]+$"
_ONLY_DIGITS = r"[.\-_][0-9]+\.[A-Za-z0-9.]+$"
_ONLY_LETTERS = r"[.\-_][a-f]+\.[A-Za-z0-9.]+$"
_BUNDLER_NAME = r"/(?:assets|_astro|_nuxt|static/(?:js|css|media))/(?:.*/)?[^/]*[.\-][A-Za-z0-9_-]*[A-Z0-9][A-Za-z0-9_-]*\.[A-Za-z0-9.]+$"
_BUNDLER_LENGTH = r"[.\-][A-Za-z0-9_-]{8,}\.[A-Za-z0-9.]+$"
_BUNDLER_FOLDER = r"^/(?:_next/static|_app/immutable)/"
_HIDDEN = r"/\."
_WELL_KNOWN = r"^/\.well-known/"
_HIDDEN_IN_WELL_KNOWN = r"^/\.well-known/(?:.*/)?\."


def site_routes(root: str, tag: str, kind: str) -> list[Route]:
    """Return routes that serve the folder `root`; all three are placeholders. tag: goes into each ETag; kind: `site` or `spa`."""
    return [
        {"handle": [_tagged_etags(tag)]},
        {"match": [_regexp(_HIDDEN) | _unless(_WELL_KNOWN), _regexp(_HIDDEN_IN_WELL_KNOWN)], "handle": [_subroute(_missing(root))]},
        {"match": [_exists(root, _PATH) | {"not": [{"path": ["*/"]}]}], "handle": [_subroute([*_caching(), {"handle": [_files(root)]}])]},
        {"handle": [_header("Cache-Control", _REVALIDATE)]},
        {
            "match": [_exists(root, _PATH + ".html") | {"not": [{"path": ["*/"]}]}],
            "handle": [_rewrite("{http.matchers.file.relative}"), _files(root)],
        },
        {"match": [_exists(root, _PATH + "/index.html")], "handle": [_files(root)]},
        {"match": _single_page(root, kind), "handle": [_rewrite("/index.html"), _files(root)]},
        {"handle": [_subroute(_missing(root))]},
    ]


def _single_page(root: str, kind: str) -> list[Route]:
    """Pages of a single-page app: a path without an extension, or with one when a browser goes there (`/users/jane.doe`)."""
    common = _exists(root, "/index.html") | {"vars": {kind: ["spa"]}, "method": ["GET", "HEAD"]}
    return [common | _unless(r"\.[^/]+$"), common | {"header": {"Accept": ["*text/html*"]}}]


def _caching() -> list[Route]:
    hashed = [
        _regexp(_HEX_NAME) | {"not": [_regexp(_ONLY_DIGITS), _regexp(_ONLY_LETTERS)]},
        _regexp(_BUNDLER_NAME) | {"not": [{"not": [_regexp(_BUNDLER_LENGTH)]}, {"path": ["*.html"]}]},
        _regexp(_BUNDLER_FOLDER) | {"not": [{"path": ["*.html"]}]},
    ]
    return [{"handle": [_header("Cache-Control", _REVALIDATE)]}, {"match": hashed, "handle": [_header("Cache-Control", _FOREVER)]}]


def _missing(root: str) -> list[Route]:
    """Return routes for the site's own 404.html, else our plain page. Without the conditional headers, which would make a 304 of it."""
    plain = {"handler": "headers", "request": {"delete": ["If-None-Match", "If-Modified-Since", "If-Range", "Range"]}}
    return [
        {
            "match": [_exists(root, "/404.html")],
            "handle": [plain, _header("Cache-Control", _REVALIDATE), _rewrite("/404.html"), _files(root, 404)],
        },
        *page_routes(MISSING),
    ]


def _tagged_etags(tag: str) -> Route:
    """Every ETag the client sees ends in the tag; it is taken off again before the file server compares."""
    return {
        "handler": "headers",
        "request": {"replace": {name: [{"search": f'-{tag}"', "replace": '"'}] for name in ("If-None-Match", "If-Range", "If-Match")}},
        "response": {"deferred": True, "replace": {"Etag": [{"search_regexp": '"$', "replace": f'-{tag}"'}]}},
    }


def _files(root: str, status: int | None = None) -> Route:
    handler: Route = {"handler": "file_server", "root": root, "precompressed": {"br": {}, "zstd": {}, "gzip": {}},
                      "precompressed_order": ["br", "zstd", "gzip"], "index_names": ["index.html"]}  # fmt: skip
    return handler | ({"status_code": status} if status else {})


def _exists(root: str, path: str) -> Route:
    return {"file": {"root": root, "try_files": [path]}}


def _regexp(pattern: str) -> Route:
    return {"path_regexp": {"pattern": pattern}}


def _unless(pattern: str) -> Route:
    return {"not": [_regexp(pattern)]}


def _header(name: str, value: str) -> Route:
    return {"handler": "headers", "response": {"set": {name: [value]}}}


def _rewrite(uri: str) -> Route:
    return {"handler": "rewrite", "uri": uri}


def _subroute(routes: list[Route]) -> Route:
    return {"handler": "subroute", "routes": routes}
