"""The provider's word: taken when every part of it holds, refused when one does not."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from canonry.adapters.sign_in_provider.oidc import directory
from canonry.adapters.sign_in_provider.oidc.provider import OidcProvider
from canonry.core.errors import Unauthenticated, Unavailable
from canonry.core.secret import Secret
from canonry.ports.sign_in_provider import Attempt, Person
from tests.support.canonry import free_port
from tests.support.oidc import CLIENT_ID, CLIENT_SECRET, ScriptedProvider, rsa_key

BACK = "http://localhost/auth/callback"
ATTEMPT = Attempt("a-state", "a-nonce", Secret("a-verifier-of-many-letters"))
AUDIENCE = "https://canonry.example.com/api"
EXPECTED = ("u1", "grace@example.com", True, "Grace")


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with ScriptedProvider() as running:
        yield running


def client(provider: ScriptedProvider, **options: Any) -> OidcProvider:  # noqa: ANN401 -- whatever a test chooses
    chosen: dict[str, Any] = {"scopes": "openid email profile", "audience": AUDIENCE, "secret": Secret(CLIENT_SECRET), **options}
    return OidcProvider(provider.issuer, CLIENT_ID, chosen["secret"], scopes=chosen["scopes"], audience=chosen["audience"])


def sign_in(provider: ScriptedProvider, who: OidcProvider, attempt: Attempt = ATTEMPT) -> Person:
    back = provider.authorize(who.start(ATTEMPT, redirect_uri=BACK))
    code = back.partition("code=")[2].partition("&")[0]
    return who.finish(attempt, code=code, redirect_uri=BACK)


def test_a_good_sign_in_says_who_it_is(provider: ScriptedProvider) -> None:
    person = sign_in(provider, client(provider))
    assert (person.subject, person.email, person.email_verified, person.name) == EXPECTED
    assert person.issuer == provider.issuer
    expected = base64.b64encode(f"{CLIENT_ID}:the%20secret%20of%20the%20client".encode()).decode()
    assert provider.requests[0]["authorization"] == f"Basic {expected}"
    assert provider.requests[0]["code_verifier"] == ATTEMPT.verifier.reveal()


def test_the_request_names_everything_that_is_checked_later(provider: ScriptedProvider) -> None:
    url = client(provider).start(ATTEMPT, redirect_uri=BACK, organization="ada", connection="github")
    for part in (
        "response_type=code",
        "state=a-state",
        "nonce=a-nonce",
        "code_challenge_method=S256",
        "organization=ada",
        "connection=github",
    ):
        assert part in url
    assert ATTEMPT.verifier.reveal() not in url


def test_the_secret_goes_where_the_provider_takes_it(provider: ScriptedProvider) -> None:
    provider.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    sign_in(provider, client(provider))
    assert (provider.requests[0]["client_secret"], provider.requests[0]["authorization"]) == (CLIENT_SECRET, "")
    sign_in(provider, client(provider, secret=None))
    assert "client_secret" not in provider.requests[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example.com"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"aud": None},
        {"exp": int(time.time()) - 120},
        {"exp": None},
        {"iat": None},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"nonce": "of-another-sign-in"},
        {"nonce": None},
        {"sub": ""},
        {"sub": None},
    ],
    ids="-".join,  # the values are of this moment, and every process has to collect the same names
)
def test_a_token_with_a_wrong_claim_is_refused(provider: ScriptedProvider, changes: dict[str, Any]) -> None:
    provider.changes = changes
    with pytest.raises(Unauthenticated, match="identity provider failed"):
        sign_in(provider, client(provider))


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES256"])
def test_a_token_that_is_signed_otherwise_is_refused(provider: ScriptedProvider, algorithm: str) -> None:
    keys = {"none": None, "HS256": CLIENT_SECRET.encode() * 2, "ES256": ec.generate_private_key(ec.SECP256R1())}
    provider.algorithm, provider.key = algorithm, keys[algorithm]
    with pytest.raises(Unauthenticated, match="sign-in through"):
        sign_in(provider, client(provider))


def test_a_token_of_a_stranger_with_the_right_key_id_is_refused(provider: ScriptedProvider) -> None:
    provider.key = rsa_key("a stranger's")
    with pytest.raises(Unauthenticated, match="none of the provider's keys"):
        sign_in(provider, client(provider))


def test_other_strong_signatures_are_accepted(provider: ScriptedProvider) -> None:
    for algorithm in ("RS512", "PS256"):
        provider.algorithm = algorithm
        assert sign_in(provider, client(provider)).subject == "u1"
    key = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    provider.published, provider.key, provider.algorithm = [{**public, "kid": "first"}, *provider.published], key, "ES256"
    assert sign_in(provider, client(provider)).subject == "u1"


def test_new_keys_are_fetched_when_a_token_names_one(provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    who = client(provider)
    old = provider.token(aud=AUDIENCE)
    assert who.identify(Secret(old)) is not None
    provider.rotate("second")
    assert who.identify(Secret(provider.token(aud=AUDIENCE))) is None  # asked a moment ago: nobody makes us ask at every request
    assert provider.asked.count("/keys") == 1
    monkeypatch.setattr(directory, "_RETRY", 0.0)
    assert who.identify(Secret(provider.token(aud=AUDIENCE))) is not None
    assert who.identify(Secret(old)) is None
    assert provider.asked.count("/keys") == 3


@pytest.mark.parametrize("code", ["wrong", ""])
def test_a_wrong_code_or_verifier_is_refused(provider: ScriptedProvider, code: str) -> None:
    with pytest.raises(Unauthenticated, match="invalid_grant"):
        client(provider).finish(ATTEMPT, code=code, redirect_uri=BACK)
    with pytest.raises(Unauthenticated, match="invalid_grant"):
        sign_in(provider, client(provider), Attempt("a-state", "a-nonce", Secret("another verifier")))


def test_an_address_that_is_not_in_the_token_is_asked_for(provider: ScriptedProvider) -> None:
    provider.changes = {"email": None, "email_verified": None}
    assert sign_in(provider, client(provider)).email == "grace@example.com"
    provider.claims["sub"] = "somebody else"
    provider.changes["sub"] = "u1"
    assert sign_in(provider, client(provider)).email == ""


def test_bearers_are_taken_for_our_audience_only(provider: ScriptedProvider) -> None:
    who = client(provider)
    good = who.identify(Secret(provider.token(aud=AUDIENCE)))
    assert good is not None
    assert good.subject == "u1"
    for bad in (
        provider.token(),
        "a.b.c",
        "cnr_" + "0" * 48,
        "é.ü.ö",
        provider.token(aud=AUDIENCE)[:-2],
        provider.token(aud=AUDIENCE, exp=1),
    ):
        assert who.identify(Secret(bad)) is None
    assert client(provider, audience=None).identify(Secret(provider.token(aud=AUDIENCE))) is None


def test_a_provider_that_does_not_answer_or_is_another_is_said_to_be_so(provider: ScriptedProvider) -> None:
    gone = OidcProvider(f"http://127.0.0.1:{free_port()}", CLIENT_ID, None, scopes="openid")
    with pytest.raises(Unavailable, match="cannot be used"):
        gone.start(ATTEMPT, redirect_uri=BACK)
    assert gone.end_session("http://localhost/") is None
    provider.metadata["issuer"] = "https://elsewhere.example.com"
    with pytest.raises(Unavailable, match="calls itself 'https://elsewhere"):
        client(provider).start(ATTEMPT, redirect_uri=BACK)


def test_strangers_do_not_make_everybody_wait_for_a_provider_that_is_away(
    provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    who, token = client(provider), Secret(provider.token(aud=AUDIENCE))
    provider.metadata["issuer"] = "broken"
    for _ in range(5):
        with pytest.raises(Unavailable, match="cannot be used"):
            who.identify(token)
    assert provider.asked == ["/.well-known/openid-configuration"]
    del provider.metadata["issuer"]
    monkeypatch.setattr(directory, "_PAUSE", -1.0)
    assert who.identify(token) is not None


def test_what_it_said_before_is_used_while_it_does_not_answer(provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    who = client(provider)
    assert who.identify(Secret(provider.token(aud=AUDIENCE))) is not None
    monkeypatch.setattr(directory, "_KEPT", -1.0)
    provider.metadata["issuer"] = "broken"
    provider.published = "broken"  # type: ignore[assignment]
    assert who.identify(Secret(provider.token(aud=AUDIENCE))) is not None
    assert who.start(ATTEMPT, redirect_uri=BACK).startswith(provider.issuer)


def test_signing_out_leads_over_the_provider_when_it_has_a_way(provider: ScriptedProvider) -> None:
    assert client(provider).end_session("http://localhost/") is None
    provider.metadata["end_session_endpoint"] = f"{provider.issuer}/bye?x=1"
    place = client(provider).end_session("http://localhost/")
    assert place == f"{provider.issuer}/bye?x=1&client_id=canonry&post_logout_redirect_uri=http%3A%2F%2Flocalhost%2F"


@pytest.mark.parametrize(
    ("answer", "status"),
    [({"error": "authorization_pending"}, "pending"), ({"error": "slow_down"}, "slow_down"), ({"error": "expired_token"}, "expired"),
     ({"error": "access_denied"}, "denied"), ({"error": "other"}, "error"), ({}, "approved")],
)  # fmt: skip
def test_a_device_sign_in_at_the_provider(provider: ScriptedProvider, answer: dict[str, Any], status: str) -> None:
    who = client(provider)
    started = who.start_device()
    assert started is not None
    assert (started.user_code, started.interval, started.expires_in) == ("WDJB-MJHT", 5, 900)
    provider.device = answer
    state = who.poll_device(started.device_code)
    assert state.status == status
    assert (state.person.subject if state.person else None) == ("u1" if status == "approved" else None)
    provider.metadata["device_authorization_endpoint"] = None
    assert client(provider).start_device() is None
