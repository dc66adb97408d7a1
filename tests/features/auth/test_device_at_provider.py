"""The device flow when the identity provider is the authority: its codes are passed on, its word becomes a session of ours."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from canonry.adapters.sign_in_provider.oidc.provider import OidcProvider
from canonry.core.secret import Secret
from canonry.wiring.container import Container
from tests.support.api import Api, serving
from tests.support.oidc import CLIENT_ID, CLIENT_SECRET, ScriptedProvider


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as running:
        yield running


@pytest.fixture
def served(container: Container, provider: ScriptedProvider) -> Iterator[Api]:
    yield from serve(container, provider)


def serve(container: Container, provider: ScriptedProvider, domains: str = "") -> Iterator[Api]:
    container = replace(container, settings=replace(container.settings, oidc_device=True, oidc_email_domains=domains))
    port = OidcProvider(provider.issuer, CLIENT_ID, Secret(CLIENT_SECRET), scopes="openid email profile")
    with serving(container, sign_in_provider=port) as api:
        yield api


def begin(api: Api, **body: str) -> dict[str, Any]:
    answer = api.ask("POST", "/auth/device/code", body, token=None)
    assert answer.status == 200, answer.body
    return dict(answer.json)


def ask(api: Api, codes: dict[str, Any]) -> dict[str, Any]:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE device_codes SET polled_at = polled_at - %s", (timedelta(seconds=60),))
    answer = api.ask("POST", "/auth/device/token", {"device_code": codes["device_code"]}, token=None)
    assert answer.status == 200, answer.body
    return dict(answer.json)


def test_the_providers_codes_are_passed_on_and_its_own_one_is_sealed(served: Api, provider: ScriptedProvider) -> None:
    codes = begin(served)
    assert (codes["user_code"], codes["verification_uri"]) == ("WDJB-MJHT", f"{provider.issuer}/device")
    assert codes["device_code"] != "device-1"
    with served.container.transactions.begin() as tx:
        assert "device-1" not in str(tx.connection.execute("SELECT device_codes::text FROM device_codes").fetchall())


@pytest.mark.parametrize(
    ("answer", "told"),
    [({"error": "authorization_pending"}, {"status": "pending", "slow_down": False}),
     ({"error": "slow_down"}, {"status": "pending", "slow_down": True}),
     ({"error": "expired_token"}, {"status": "expired"}), ({"error": "access_denied"}, {"status": "denied"}),
     ({"error": "odd"}, {"status": "error", "detail": "odd"})],
)  # fmt: skip
def test_what_the_provider_says_is_told(served: Api, provider: ScriptedProvider, answer: dict[str, Any], told: dict[str, Any]) -> None:
    provider.device = answer
    codes = begin(served)
    assert ask(served, codes) == told
    if told["status"] == "denied":
        provider.device = {}
        assert ask(served, codes) == told


def test_an_approval_there_is_a_session_here_once(served: Api, provider: ScriptedProvider) -> None:
    provider.device = {}
    codes = begin(served, org="Grace")
    told = ask(served, codes)
    assert (told["status"], told["email"], told["org"]) == ("approved", "grace@example.com", "grace")
    assert served.ask("GET", "/v1/me", token=told["access_token"]).json["user"]["name"] == "Grace"
    assert ask(served, codes)["status"] == "error"


def test_who_asks_too_fast_does_not_reach_the_provider(served: Api, provider: ScriptedProvider) -> None:
    codes = begin(served)
    for _ in range(3):
        served.ask("POST", "/auth/device/token", {"device_code": codes["device_code"]}, token=None)
    assert len([fields for fields in provider.requests if "device_code" in fields]) == 1


def test_a_provider_without_the_flow_leaves_it_to_canonry(served: Api, provider: ScriptedProvider) -> None:
    provider.metadata["device_authorization_endpoint"] = None
    assert begin(served)["verification_uri"] == "http://localhost/auth/device"


def test_a_provider_that_is_down_is_502(served: Api, provider: ScriptedProvider) -> None:
    provider.metadata["issuer"] = "broken"
    assert served.ask("POST", "/auth/device/code", {}, token=None).error == (502, "provider_unavailable")


def test_people_of_other_domains_than_the_named_ones_are_refused(container: Container, provider: ScriptedProvider) -> None:
    provider.device = {}
    for api in serve(container, provider, "example.org"):
        answer = api.ask("POST", "/auth/device/token", {"device_code": begin(api)["device_code"]}, token=None)
        assert answer.error == (403, "email_domain_not_allowed")
