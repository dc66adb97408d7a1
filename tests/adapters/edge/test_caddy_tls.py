"""HTTPS at the edge: who is sent there, who is refused, what the apps see, and turning it on without losing a request."""

import ssl
import stat
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from canonry.adapters.edge.caddy import CaddyCertificates, CaddyProcess
from canonry.core.clock import now
from canonry.core.errors import Invalid
from canonry.core.settings import Settings, read_settings
from canonry.ports.edge import Page
from tests.support.edge import Apps, RunningCaddy, free_port, running_caddy
from tests.support.load import count_while

_REFUSED = "TLSV1_ALERT_INTERNAL_ERROR"


def test_projects_are_sent_to_https_and_get_their_certificate_at_the_first_handshake(secure_caddy: RunningCaddy, apps: Apps) -> None:
    secure_caddy.edge.point("shop.localhost", [apps.start("shop").address])
    moved = secure_caddy.ask("shop.localhost", "/a?b={c}")
    assert (moved.status, moved.headers["location"]) == (308, "https://shop.localhost/a?b={c}")
    assert secure_caddy.ask_securely("shop.localhost").body == b"shop"
    with_port = secure_caddy.ask(f"shop.localhost:{secure_caddy.port}")
    assert with_port.headers["location"] == f"https://shop.localhost:{secure_caddy.settings.https_port}/"


def test_the_app_is_told_that_its_visitor_came_over_https(secure_caddy: RunningCaddy, apps: Apps) -> None:
    secure_caddy.edge.point("told.localhost", [apps.start("told").address])
    told = secure_caddy.ask_securely("told.localhost", "/headers", {"X-Forwarded-Proto": "http", "X-Forwarded-For": "192.0.2.1"}).body
    assert b'"x-forwarded-proto": "https"' in told
    assert b'"x-forwarded-for": "127.0.0.1"' in told


def test_names_without_permission_are_refused_and_nothing_breaks(secure_caddy: RunningCaddy, apps: Apps) -> None:
    pid = secure_caddy.process.find()
    secure_caddy.edge.point("claimed.test", [apps.start("claimed").address])
    secure_caddy.edge.show_page("unknown-page.localhost", Page.UNKNOWN)
    for name in ("claimed.test", "nobody.localhost", "nobody.test", "caddy", "unknown-page.localhost", "x" * 60 + ".test"):
        with pytest.raises(ssl.SSLError) as caught:
            secure_caddy.ask_securely(name)
        assert caught.value.reason == _REFUSED, name
    assert secure_caddy.ask("claimed.test").body == b"claimed"  # served over HTTP all the same
    assert secure_caddy.process.find() == pid


def test_a_permitted_domain_is_sent_to_https_but_not_the_challenges_of_authorities(secure_caddy: RunningCaddy, apps: Apps) -> None:
    certificates = CaddyCertificates(secure_caddy.home, secure_caddy.settings)
    secure_caddy.edge.point("own.test", [apps.start("own").address])
    secure_caddy.edge.redirect("www.own.test", "own.test")
    for name in ("own.test", "www.own.test"):
        certificates.obtain(name)
    assert secure_caddy.ask("own.test", "/x?y").headers["location"] == "https://own.test/x?y"
    assert secure_caddy.ask("own.test", "/.well-known/acme-challenge/token").body == b"own"
    moved = secure_caddy.ask_securely("www.own.test", "/x?y")
    assert (moved.status, moved.headers["location"]) == (308, "https://own.test/x?y")
    assert "strict-transport-security" not in moved.headers  # browsers do not know our own authority
    certificates.forbid("own.test")
    assert secure_caddy.ask("own.test").body == b"own"


def test_http_2_is_spoken(secure_caddy: RunningCaddy) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with secure_caddy.connect() as plain, context.wrap_socket(plain, server_hostname="localhost") as secure:
        assert secure.selected_alpn_protocol() == "h2"


def test_the_question_for_a_certificate_is_answered_on_this_machine_only_and_reads_no_other_file(secure_caddy: RunningCaddy) -> None:
    (secure_caddy.home.edge / "secret").write_text("active")
    secure_caddy.edge.show_page("stopped.localhost", Page.STOPPED)

    def status(name: str, host: str = "127.0.0.1") -> int:
        return secure_caddy.ask(host, f"/.canonry/certificate?domain={name}").status

    assert [status(name) for name in ("localhost", "stopped.localhost")] == [200, 200]
    for name in ("nobody.localhost", "nobody.test", "../secret", "..%2Fsecret", "", "STOPPED.localhost", "a.localhost%00", "*.localhost"):
        assert status(name) == 403, name
    assert status("localhost", "shop.example.test") == 404  # only at the address that Caddy itself uses


def test_keys_are_for_canonry_alone(secure_caddy: RunningCaddy) -> None:
    assert stat.S_IMODE((secure_caddy.home.edge / "caddy").stat().st_mode) == 0o700
    for key in (secure_caddy.home.edge / "caddy").rglob("*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_turning_https_on_and_off_loses_no_request(own_caddy: RunningCaddy, apps: Apps) -> None:
    own_caddy.edge.point("app.test", [apps.start("app").address])
    secure = replace(own_caddy.settings, https_port=free_port(), tls="internal")
    done = threading.Event()

    def switch() -> None:
        for settings in (secure, own_caddy.settings):
            before = own_caddy.process.find()
            own_caddy.process.release()
            changed = CaddyProcess(own_caddy.home, settings)
            assert changed.start() != before
            if settings.tls_is_on:
                CaddyCertificates(own_caddy.home, settings).obtain("localhost")
            changed.release()
        done.set()

    counts = count_while(switch, own_caddy.port, "app.test", seconds=6, rate=100)
    assert done.is_set()
    assert (counts.lost, counts.retried) == ([], 0)
    with pytest.raises(ConnectionRefusedError):
        replace(own_caddy, settings=secure).ask_securely("localhost")


def test_a_certificate_of_ones_own_is_used_where_it_fits_and_a_renewed_one_at_the_next_start(tmp_path: Path, apps: Apps) -> None:
    certificate, key = _self_signed(tmp_path, "*.apps.test")
    for caddy in running_caddy(
        https_port=free_port(), tls="internal", base_domain="apps.test", tls_certificate=str(certificate), tls_key=str(key)
    ):
        caddy.edge.point("shop.apps.test", [apps.start("shop").address])
        certificates = CaddyCertificates(caddy.home, caddy.settings)
        assert caddy.ask_securely("shop.apps.test").body == b"shop"
        found = certificates.find("shop.apps.test")
        assert found is not None
        assert found.issuer == "CN=*.apps.test"
        assert certificates.find("shop.other.test") is None
        pid = caddy.process.find()
        assert caddy.process.start() == pid
        _self_signed(tmp_path, "*.apps.test")
        assert caddy.process.start() != pid


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"TLS": "internal"}, "CANONRY_HTTPS_PORT"), ({"HTTPS_PORT": "8443"}, "CANONRY_HTTPS_PORT"), ({"TLS": "on"}, "CANONRY_TLS"),
        ({"TLS": "acme", "HTTPS_PORT": "8080"}, "CANONRY_HTTPS_PORT"), ({"HTTPS_PORT": "70000", "TLS": "acme"}, "CANONRY_HTTPS_PORT"),
        ({"ACME_CA": "http://ca.test"}, "CANONRY_ACME_CA"), ({"TLS_CERTIFICATE": "/x.crt"}, "CANONRY_TLS_KEY"),
        ({"ACME_CA_ROOT": "/does/not/exist"}, "CANONRY_ACME_CA_ROOT"), ({"ACME_CA_ROOT": "relative"}, "CANONRY_ACME_CA_ROOT"),
        ({"HSTS": "yes"}, "CANONRY_HSTS"), ({"DNS_RESOLVER": "dns.test"}, "CANONRY_DNS_RESOLVER"),
        ({"DNS_RESOLVER": "127.0.0.1"}, "CANONRY_DNS_RESOLVER"), ({"PUBLIC_ADDRESSES": "here"}, "CANONRY_PUBLIC_ADDRESSES"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused_by_name(variables: dict[str, str], named: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_settings({f"CANONRY_{name}": value for name, value in variables.items()})
    assert (caught.value.code, named in caught.value.message) == ("invalid_setting", True)


def test_addresses_become_https_ones_where_visitors_trust_the_certificate() -> None:
    internal = Settings(https_port=8443, tls="internal")
    assert (internal.own_url, internal.url_of("shop.localhost")) == ("http://localhost:8080", "https://shop.localhost:8443")
    public = Settings(http_port=80, https_port=443, tls="acme", base_domain="apps.test")
    assert (public.own_url, public.url_of("shop.apps.test")) == ("https://apps.test", "https://shop.apps.test")
    assert Settings().url_of("shop.localhost") == "http://shop.localhost:8080"
    assert public.uses_lets_encrypt
    assert not replace(public, acme_ca="https://ca.internal/directory").uses_lets_encrypt


def _self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now()).not_valid_after(now() + timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / "own.crt", folder / "own.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files
