"""Caddy's part for HTTPS, as data: where certificates come from, who may have one, and what HTTP does besides.

Certificates are obtained at the first handshake for a name (on demand), after Caddy has asked whether the name may have one. It asks
itself: the answer is a file, `permits/<host>` for custom domains, `routes/<host>` for names below the base domain. No Python and no
database stands behind a handshake, however many unknown names are asked for.
"""

from pathlib import Path
from typing import Any

from canonry.core.settings import Settings

type Route = dict[str, Any]

ASK_PATH = "/.canonry/certificate"
_HSTS = "max-age=2592000"  # 30 days: long enough to protect, short enough to survive a mistake
_DOMAIN = 'ph(req, "http.request.uri.query.domain")'
_HOST = 'ph(req, "http.request.host")'
_NAME = "^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$"
_CHALLENGES = "/.well-known/acme-challenge/*"


def tls_apps(settings: Settings) -> Route:
    """Return the apps `tls` and `pki`."""
    loads = [{"certificate": settings.tls_certificate, "key": settings.tls_key}] if settings.tls_certificate else []
    internal = {"module": "internal"}
    local = {"subjects": ["localhost", "*.localhost"], "issuers": [internal], "on_demand": True}
    everything = {"issuers": [_acme(settings) if settings.tls == "acme" else internal], "on_demand": True}
    return {
        "tls": {
            **({"certificates": {"load_files": loads}} if loads else {}),
            "automation": {
                "on_demand": {"permission": {"module": "http", "endpoint": ask_url(settings)}},
                "policies": [local, everything],
            },
        },
        "pki": {"certificate_authorities": {"local": {"name": "Canonry", "install_trust": False}}},
    }


def loopback(settings: Settings) -> str:
    """Return the address at which this machine reaches the edge."""
    names = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}  # noqa: S104 -- compared
    return names.get(settings.http_address, settings.http_address)


def ask_url(settings: Settings) -> str:
    """Return where Caddy asks itself."""
    host = loopback(settings)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}{ASK_PATH}"


def ask_routes(settings: Settings) -> list[Route]:
    """Return the routes that answer 200 when the name in `?domain=` may have a certificate, else 403; for this machine only."""
    here = loopback(settings)
    asked = {"host": [here], "path": [ASK_PATH], "method": ["GET"], "remote_ip": {"ranges": ["127.0.0.0/8", "::1", here]}}
    served = "^(proxy|site|spa|redirect|page stopped|page dead)"  # an app that is down keeps its certificate
    project = f'{_DOMAIN}.endsWith(".{settings.base_domain}") && {_file_says("routes", _DOMAIN, served)}'
    custom = _file_says("permits", _DOMAIN, "^(issuing|active)$")
    own = f'{_DOMAIN} == "{settings.base_domain}" || {_DOMAIN} == "localhost"'
    allowed = f'{own} || ({_DOMAIN}.matches("{_NAME}") && (({project}) || {custom}))'
    answers = [{"match": [_expression("allowed", allowed)], "handle": [_status(200)], "terminal": True}, {"handle": [_status(403)]}]
    return [{"match": [asked], "handle": [{"handler": "subroute", "routes": answers}], "terminal": True}]


def to_https(settings: Settings, moved: Any) -> list[Route]:  # noqa: ANN401 -- a function of config.py, handed in to keep the two apart
    """Return the routes that send visitors of a host with a certificate to HTTPS; others are served over HTTP.

    moved: makes the handler that answers 308 with the address of another server.
    """
    port = "" if settings.https_port == 443 else f":{settings.https_port}"
    certain = f'{_HOST}.endsWith(".{settings.base_domain}") || {_file_says("permits", _HOST, "^active$")}'
    return [{
        "match": [_expression("certain", certain) | {"not": [{"path": [_CHALLENGES]}]}],
        "handle": [{"handler": "subroute", "routes": [
            # Who came through port 80 meets HTTPS at its usual port, which somebody may forward to ours.
            {"match": [{"not": [{"vars_regexp": {"{http.request.port}": {"pattern": "."}}}]}], "handle": [moved("https://{http.request.host}")]},
            {"handle": [moved(f"https://{{http.request.host}}{port}")]},
        ]}],
        "terminal": True,
    }]  # fmt: skip


def own_to_https(settings: Settings, moved: Any) -> list[Route]:  # noqa: ANN401 -- as above
    """Return the route that sends visitors of Canonry itself to HTTPS, where its own address is a secure one."""
    if not settings.own_url_is_secure:
        return []
    match = {"host": [settings.base_domain], "not": [{"path": [_CHALLENGES]}]}
    return [{"match": [match], "handle": [moved(settings.own_url)], "terminal": True}]


def insist(settings: Settings) -> list[Route]:
    """Return the route that adds Strict-Transport-Security, unless the app says something itself."""
    if settings.hsts == "off" or (settings.hsts == "domains" and settings.tls != "acme"):
        return []  # a browser that does not trust our own CA would let nobody in any more
    active = f'!{_HOST}.endsWith(".{settings.base_domain}") && {_file_says("permits", _HOST, "^active$")}'
    header = {"handler": "headers", "response": {"set": {"Strict-Transport-Security": [_HSTS]},
                                                 "require": {"headers": {"Strict-Transport-Security": None}}}}  # fmt: skip
    match = [] if settings.hsts == "all" else [_expression("active", active)]
    return [{"match": match, "handle": [header]} if match else {"handle": [header]}]


def _acme(settings: Settings) -> Route:
    issuer: Route = {"module": "acme", "ca": settings.acme_ca}
    if settings.acme_email:
        issuer["email"] = settings.acme_email
    if settings.acme_ca_root:
        issuer["trusted_roots_pem_files"] = [settings.acme_ca_root]
    # The ports at which our own listeners answer challenges; the authority always comes to 80 and 443, which may be forwarded to these.
    issuer["challenges"] = {"http": {"alternate_port": settings.http_port}, "tls-alpn": {"alternate_port": settings.https_port}}
    return issuer


def storage_of(edge: Path) -> Path:
    """Return the folder in which Caddy keeps certificates and keys."""
    return edge / "caddy"


def _file_says(folder: str, name: str, pattern: str) -> str:
    """Return the CEL expression for: the file of that name (an expression too) in that folder holds what the pattern says."""
    return f'vars_regexp("says", "{{file.{folder}/" + {name} + "}}", "{pattern}")'


def _expression(name: str, expression: str) -> Route:
    return {"expression": {"expr": expression, "name": name}}


def _status(status: int) -> Route:
    return {"handler": "static_response", "status_code": status}
