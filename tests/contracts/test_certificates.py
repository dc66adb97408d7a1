"""The contract of the port certificates (`ports/certificates.py`), over memory and over Caddy."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from canonry.adapters.edge.caddy import CaddyCertificates
from canonry.adapters.edge.memory_certificates import MemoryCertificates
from canonry.core.clock import now
from canonry.core.errors import Unavailable
from canonry.ports.certificates import Certificates
from tests.support.edge import RunningCaddy, free_port, running_caddy


@dataclass(frozen=True)
class Tried:
    """Certificates, and the same where the authority fails: gives them for a name that it refuses."""

    certificates: Certificates
    refusing: Callable[[str], Certificates]


@pytest.fixture(scope="module")
def broken_caddy() -> Iterator[RunningCaddy]:
    """Give a Caddy whose certificate authority is not there."""
    yield from running_caddy(https_port=free_port(), tls="acme", acme_ca=f"https://127.0.0.1:{free_port()}/directory")


@pytest.fixture(params=["memory", "caddy"])
def tried(request: pytest.FixtureRequest) -> Tried:
    if request.param == "memory":
        memory = MemoryCertificates()

        def refusing(name: str) -> Certificates:
            memory.faults[name] = "refused"
            return memory

        return Tried(memory, refusing)
    caddy: RunningCaddy = request.getfixturevalue("secure_caddy")
    broken: RunningCaddy = request.getfixturevalue("broken_caddy")
    return Tried(CaddyCertificates(caddy.home, caddy.settings), lambda _name: CaddyCertificates(broken.home, broken.settings, timeout=5))


@pytest.fixture
def name() -> str:
    return f"t{secrets.token_hex(6)}.example.test"


def test_a_certificate_is_obtained_once_and_found_again(tried: Tried, name: str) -> None:
    assert tried.certificates.find(name) is None
    made = tried.certificates.obtain(name)
    assert made.expires_at > now()
    assert made.issuer.startswith("CN=")
    assert tried.certificates.find(name) == made
    assert tried.certificates.obtain(name) == made
    assert name in tried.certificates.permitted()


def test_a_name_is_forbidden_again(tried: Tried, name: str) -> None:
    tried.certificates.obtain(name)
    tried.certificates.forbid(name)
    tried.certificates.forbid(name)
    assert name not in tried.certificates.permitted()


def test_a_failure_says_why_and_takes_the_permission_back(tried: Tried, name: str) -> None:
    certificates = tried.refusing(name)
    with pytest.raises(Unavailable) as caught:
        certificates.obtain(name)
    assert caught.value.code == "certificate_failed"
    assert "refused" in caught.value.message
    assert name not in certificates.permitted()
    assert certificates.find(name) is None
