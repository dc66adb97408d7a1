"""Caddy's whole configuration, as data. It names no project: it says how to find a host's file in `edge/routes` and how to obey it.

How: a CEL expression may ask Caddy for a placeholder whose name it has put together, `file.routes/<host>` (paths are relative to
the folder `edge`, where Caddy is started). `vars_regexp` keeps what the file says as `{http.regexp.entry.0}`, ordinary matchers
take that line apart, and dial addresses and roots are placeholders of its parts. docs/decisions/0004-edge.md says what else was tried.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from canonry.adapters.edge.caddy.entries import MOST_INSTANCES
from canonry.adapters.edge.caddy.pages import page_routes
from canonry.adapters.edge.caddy.requests import COUNT, COUNT_NOT, request_log
from canonry.adapters.edge.caddy.sites import site_routes
from canonry.adapters.edge.caddy.tls import ask_routes, insist, own_to_https, storage_of, tls_apps, to_https
from canonry.adapters.edge.pages import DEAD, RESTARTING, STOPPED, UNKNOWN
from canonry.core.paths import Home
from canonry.core.settings import Settings

type Route = dict[str, Any]

SHUTDOWN_DELAY = 1  # seconds in which clients are told to leave, before connections are closed
_OPEN_REQUESTS = "10m"  # how long a request may go on after that

# The Host header is the client's: nothing but a name gets into the name of a file.
_HOST = "^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$"
_NAME = 'ph(req, "http.request.host")'
_LOOK_UP = f'{_NAME}.matches("{_HOST}") && vars_regexp("entry", "{{file.routes/" + {_NAME} + "}}", ".+")'
_ENTRY = "{http.regexp.entry.0}"


def caddy_config(home: Home, settings: Settings, *, boot: str, admin: Path, sockets: int, secure: int = 0) -> dict[str, Any]:
    """Return the configuration for a Caddy started in `home.edge`.

    boot: entries.boot_token(). admin: path of the admin socket. sockets: how many listening sockets it is given, from descriptor 3 on;
    secure: how many of them, the last ones, are for HTTPS.
    """
    plain = sockets - secure
    servers = {"edge": _server(home, settings, boot, [f"fd/{3 + n}" for n in range(plain)])}
    if settings.tls_is_on:
        servers["secure"] = _secure_server(home, settings, boot, [f"fd/{3 + plain + n}" for n in range(secure)])
    return {
        "admin": {"listen": f"unix/{admin}", "config": {"persist": False}},
        "logging": {"logs": {"default": _log(home.logs / "caddy.log"), "requests": request_log(home.edge_requests / f"{admin.stem}.log")}},
        "storage": {"module": "file_system", "root": str(storage_of(home.edge))},
        "apps": {
            "http": {
                "shutdown_delay": f"{SHUTDOWN_DELAY}s",
                "grace_period": _OPEN_REQUESTS,
                "servers": servers,
            },
            **(tls_apps(settings) if settings.tls_is_on else {}),
        },
    }


def _server(home: Home, settings: Settings, boot: str, listen: list[str]) -> Route:
    """Return the server for HTTP. With TLS, it sends visitors of hosts that have a certificate to the other one."""
    tls = settings.tls_is_on
    return _base(
        home, settings, listen, _obey(boot, before=to_https(settings, _moved) if tls else []),
        first=ask_routes(settings) if tls else [], own_first=own_to_https(settings, _moved) if tls else [],
    )  # fmt: skip


def _secure_server(home: Home, settings: Settings, boot: str, listen: list[str]) -> Route:
    server = _base(home, settings, listen, _obey(boot, before=insist(settings)))
    return server | {"protocols": ["h1", "h2"], "tls_connection_policies": [{}]}


def _base(
    home: Home, settings: Settings, listen: list[str], obey: list[Route], *, first: Sequence[Route] = (), own_first: Sequence[Route] = ()
) -> Route:
    """Return a server. obey: routes for hosts that have an entry. first: routes before all others; own_first: before Canonry's own."""
    own = {"host": own_hosts(settings)}
    return {
        "listen": listen,
        "protocols": ["h1", "h2c"],
        "automatic_https": {"disable": True},
        "read_header_timeout": "15s",
        "idle_timeout": "5m",
        "max_header_bytes": 64 << 10,
        "logs": {},
        "routes": [
            {"handle": [COUNT_NOT, *_no_trace()]},
            *first,
            _leaving(),
            _plain_host(),
            *own_first,
            {"match": [own], "handle": [_proxy([f"unix/{home.web_socket}"])], "terminal": True},
            {"match": [{"expression": {"expr": _LOOK_UP, "name": "entry"}}], "handle": [*COUNT, _subroute(obey)], "terminal": True},
            *page_routes(UNKNOWN),
        ],
        "errors": {"routes": _errors(own)},
    }


def own_hosts(settings: Settings) -> list[str]:
    """Return the names at which Canonry itself answers."""
    names = [settings.base_domain, "localhost", "127.0.0.1", "::1"]
    if settings.http_address not in {"0.0.0.0", "::"}:  # noqa: S104 -- compared, not bound
        names.append(settings.http_address)
    return list(dict.fromkeys(names))


def _obey(boot: str, *, before: Sequence[Route] = ()) -> list[Route]:
    """Routes for the words that entries.py writes, the likeliest first. before: what comes first for every host that has an entry."""
    site = {"match": [_entry("site", r"^(site|spa) ([0-9a-f]+) (.+)$")],
            "handle": [_subroute(site_routes("{http.regexp.site.3}", "{http.regexp.site.2}", "{http.regexp.site.1}"))]}  # fmt: skip
    pages = [
        {"match": [_entry("page", f"^page {name}$")], "handle": [_subroute(page_routes(page))]}
        for name, page in (("stopped", STOPPED), ("unknown", UNKNOWN))
    ]
    redirect = {"match": [_entry("redirect", r"^redirect ([a-z0-9.-]+)$")],
                "handle": [_subroute(redirects("{http.request.scheme}", "{http.regexp.redirect.1}"))]}  # fmt: skip
    proxies = [_instances(boot, count) for count in range(1, MOST_INSTANCES + 1)]
    return [*before, proxies[0], site, redirect, *pages, *proxies[1:], *page_routes(DEAD)]


def _instances(boot: str, count: int) -> Route:
    addresses = [f"{{http.regexp.up.{n}}}" for n in range(1, count + 1)]
    return {"match": [_entry("up", f"^proxy {boot} {count}" + r" (\S+)" * count + "$")], "handle": [_proxy(addresses)], "terminal": True}


def _proxy(addresses: list[str]) -> Route:
    """Return a proxy that streams both ways. Only a failed dial is tried again, at once, at the next address: nothing was sent yet.

    flush_interval stays unset: Caddy flushes event streams and answers of unknown length at once anyway, and -1 would keep the app
    working for a client that has left.
    """
    count = len(addresses)
    retries = 1 if count == 1 else 2 * count + 10
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": address} for address in addresses],
        "load_balancing": {
            "selection_policy": {"policy": "round_robin"},
            "retries": retries,
            "retry_match": [{"expression": "false"}],
        },
        "transport": {"protocol": "http", "dial_timeout": "3s", "compression": False, "keep_alive": {"max_idle_conns_per_host": 64}},
        "headers": {"request": {"delete": ["Via"]}},
        "stream_close_delay": "24h",
    }  # fmt: skip


def redirects(scheme: str, host: str) -> list[Route]:
    """Answer 308 to `scheme://host`, at the port that the client named itself (it may have come through a forwarded one)."""
    with_port = {"match": [{"vars_regexp": {"{http.request.port}": {"pattern": "."}}}],
                 "handle": [_moved(f"{scheme}://{host}:{{http.request.port}}")]}  # fmt: skip
    return [with_port, {"handle": [_moved(f"{scheme}://{host}")]}]


def _moved(origin: str) -> Route:
    # Browsers keep a 308 for ever unless told otherwise, and the owner may choose another primary host tomorrow.
    return {"handler": "static_response", "status_code": 308,
            "headers": {"Location": [f"{origin}{{http.request.orig_uri}}"], "Cache-Control": ["max-age=300"]}}  # fmt: skip


def _no_trace() -> list[Route]:
    """Caddy's own Server and Via are nobody's business; the Server header of an app stays."""
    return [
        {"handler": "headers", "response": {"delete": ["Server"]}},
        {"handler": "headers", "response": {"deferred": True, "delete": ["Via"]}},
    ]


def _leaving() -> Route:
    """While this Caddy shuts down, ask each client to come back on a new connection, which its successor will take."""
    return {
        "match": [{"vars": {"{http.shutting_down}": ["true"]}, "not": [{"header": {"Connection": ["*pgrade*"]}}]}],
        "handle": [{"handler": "headers", "response": {"set": {"Connection": ["close"]}}}],
    }


def _plain_host() -> Route:
    """`Example.COM.` is `example.com`."""
    letters = [{"search": letter, "replace": letter.lower()} for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    return {
        "match": [{"vars_regexp": {"{http.request.host}": {"pattern": r"[A-Z]|\.$"}}}],
        "handle": [{"handler": "headers", "request": {"replace": {"Host": [*letters, {"search_regexp": r"\.(:\d+)?$", "replace": "$1"}]}}}],
    }


def _errors(own: Route) -> list[Route]:
    gateway = {"expression": "{http.error.status_code} in [502, 503, 504]"}
    plain = {"handler": "static_response", "status_code": "{http.error.status_code}", "body": "{http.error.status_text}\n",
             "headers": {"Content-Type": ["text/plain; charset=utf-8"], "Cache-Control": ["no-store"]}}  # fmt: skip
    return [
        {"match": [own | gateway], "handle": [_subroute(page_routes(RESTARTING, html_by_default=False))], "terminal": True},
        {"match": [gateway], "handle": [_subroute(page_routes(DEAD))], "terminal": True},
        {"handle": [plain]},
    ]


def _entry(name: str, pattern: str) -> Route:
    return {"vars_regexp": {_ENTRY: {"name": name, "pattern": pattern}}}


def _subroute(routes: list[Route]) -> Route:
    return {"handler": "subroute", "routes": routes}


def _log(path: Path) -> Route:
    """Bounded: 4 files of 10 MiB, and of the same message 20 a second, then each 1,000th (a scanner asks for unknown hosts all day)."""
    return {
        "level": "INFO",
        "exclude": ["http.log.access"],
        "sampling": {"interval": 1_000_000_000, "first": 20, "thereafter": 1000},
        "writer": {"output": "file", "filename": str(path), "roll_size_mb": 10, "roll_keep": 3, "roll_gzip": False},
    }
