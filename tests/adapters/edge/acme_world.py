"""A small internet in a network of its own: a certificate authority, an app, and Canonry's Caddy at the real ports 80 and 443.

Run by test_caddy_acme.py inside `bwrap --unshare-net`, where nobody else uses those ports, with names in a file of hosts of its own. Prints
what happened as JSON.
"""

import http.client
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from canonry.adapters.edge.caddy import CaddyCertificates, CaddyEdge, CaddyProcess
from canonry.adapters.edge.caddy.process import _caddy
from canonry.core.paths import Home
from canonry.core.settings import Settings
from tests.support.edge import App

_AUTHORITY = 9443


def main(root: Path) -> None:
    """Do everything that the test asks about."""
    with _authority(root / "authority") as root_certificate:
        settings = Settings(
            home=root / "home", http_port=80, https_port=443, tls="acme", base_domain="apps.test", acme_email="ops@apps.test",
            acme_ca=f"https://127.0.0.1:{_AUTHORITY}/acme/local/directory", acme_ca_root=str(root_certificate),
        )  # fmt: skip
        print(json.dumps(_visit(settings, root_certificate)))  # noqa: T201 -- the answer to the test


def _visit(settings: Settings, authority: Path) -> dict[str, Any]:
    home = Home(settings.home)
    home.create()
    caddy, edge, app = CaddyProcess(home, settings), CaddyEdge(home, settings), App("the app")
    certificates = CaddyCertificates(home, settings, timeout=60)
    found: dict[str, Any] = {}
    try:
        caddy.start()
        for host in ("shop.test", "claimed.test", "shop.apps.test"):
            edge.point(host, [app.address])
        found["before"] = [_secure("shop.test", authority), _plain("shop.test")]
        found["issuer"] = certificates.obtain("shop.test").issuer
        found["after"] = [_secure("shop.test", authority), _plain("shop.test", "/a?b=c")]
        found["of a project"] = _secure("shop.apps.test", authority)
        found["of nobody"] = [_secure(name, authority) for name in ("claimed.test", "unknown.apps.test", "stranger.test", "xn--a.test")]
        found["hsts"] = [_headers(name, authority).get("strict-transport-security") for name in ("shop.test", "shop.apps.test")]
        found["permitted"] = certificates.permitted()
        found["stored"] = sorted(path.stem for path in (home.edge / "caddy" / "certificates").rglob("*.crt"))
        caddy.restart()
        found["after restart"] = _secure("shop.test", authority)
        found["stored after restart"] = sorted(path.stem for path in (home.edge / "caddy" / "certificates").rglob("*.crt"))
        return found
    finally:
        caddy.stop(grace=0)
        app.stop()


@contextmanager
def _authority(root: Path) -> Iterator[Path]:
    """Run another Caddy as an ACME server; give the file with its root certificate."""
    root.mkdir()
    server = {
        "listen": [f"127.0.0.1:{_AUTHORITY}"], "automatic_https": {"disable": True},
        "tls_connection_policies": [{"default_sni": "127.0.0.1"}],
        "routes": [{"handle": [{"handler": "acme_server", "ca": "local"}]}],
    }  # fmt: skip
    config = {
        "admin": {"disabled": True}, "storage": {"module": "file_system", "root": str(root)},
        "apps": {
            "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
            "tls": {"certificates": {"automate": ["127.0.0.1"]}, "automation": {"policies": [{"issuers": [{"module": "internal"}]}]}},
            "http": {"servers": {"acme": server}},
        },
    }  # fmt: skip
    (root / "caddy.json").write_text(json.dumps(config))
    with (root / "log").open("wb") as log:
        child = subprocess.Popen([_caddy(), "run", "--config", str(root / "caddy.json")], stdout=log, stderr=log,
                                 env={"HOME": str(root), "PATH": ""})  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not _listens(_AUTHORITY):
            assert child.poll() is None, (root / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield root / "pki" / "authorities" / "local" / "root.crt"
    finally:
        child.kill()
        child.wait()


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _secure(host: str, authority: Path) -> str:
    """Return what a browser that trusts the authority would see, or the kind of failure."""
    try:
        return _ask(host, authority).read().decode()
    except ssl.SSLError as error:
        return f"refused: {error.reason}"


def _headers(host: str, authority: Path) -> dict[str, str]:
    return {name.lower(): value for name, value in _ask(host, authority).getheaders()}


def _ask(host: str, authority: Path) -> http.client.HTTPResponse:
    context = ssl.create_default_context(cafile=str(authority))
    secure = context.wrap_socket(socket.create_connection(("127.0.0.1", 443), timeout=60), server_hostname=host)
    connection = http.client.HTTPConnection(host)
    connection.sock = secure
    connection.request("GET", "/")
    return connection.getresponse()


def _plain(host: str, path: str = "/") -> str:
    connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=20)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    return f"{answer.status} {answer.headers.get('Location') or answer.read().decode()}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
