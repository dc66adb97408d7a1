"""Settings of the identity provider: wrong ones are named at the start."""

import pytest

from canonry.core.errors import Invalid
from canonry.core.settings import read_settings

ISSUER = "https://login.example.com"
PROVIDER = {"CANONRY_OIDC_ISSUER": ISSUER, "CANONRY_OIDC_CLIENT_ID": "c"}


def test_a_provider_is_read_with_its_secret_hidden() -> None:
    settings = read_settings({"CANONRY_OIDC_ISSUER": ISSUER, "CANONRY_OIDC_CLIENT_ID": "c", "CANONRY_OIDC_CLIENT_SECRET": "hush"})
    assert (settings.oidc_issuer, settings.oidc_client_id, settings.oidc_scopes) == (ISSUER, "c", "openid email profile")
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"CANONRY_OIDC_ISSUER": ISSUER}, "CANONRY_OIDC_CLIENT_ID"),
        ({"CANONRY_OIDC_ISSUER": "login.example.com", "CANONRY_OIDC_CLIENT_ID": "c"}, "CANONRY_OIDC_ISSUER"),
        ({"CANONRY_OIDC_ISSUER": f"{ISSUER}/.well-known/openid-configuration", "CANONRY_OIDC_CLIENT_ID": "c"}, "CANONRY_OIDC_ISSUER"),
        ({"CANONRY_OIDC_EMAIL_DOMAINS": "example.com"}, "CANONRY_OIDC_ISSUER"),
        *(
            ({**PROVIDER, "CANONRY_OIDC_EMAIL_DOMAINS": text}, "CANONRY_OIDC_EMAIL_DOMAINS")
            for text in (",", "@example.com", "*.example.com", "example.com;example.org", "https://example.com", "ada@example.com")
        ),
    ],
)
def test_a_provider_that_cannot_work_stops_the_start(variables: dict[str, str], named: str) -> None:
    with pytest.raises(Invalid, match=named):
        read_settings(variables)


def test_the_domains_are_read_in_lower_case() -> None:
    assert read_settings(PROVIDER).oidc_domains == []
    settings = read_settings({**PROVIDER, "CANONRY_OIDC_EMAIL_DOMAINS": " Example.com, example.ORG ,"})
    assert settings.oidc_domains == ["example.com", "example.org"]
