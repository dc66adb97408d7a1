"""Who is calling: each kind of credential is asked of the feature that gives it out."""

from collections.abc import Sequence
from typing import Protocol

from canonry.core.access import Actor
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.features import auth, tokens
from canonry.infra.tx import Transactions
from canonry.ports.sign_in_provider import SignInProvider


class _Bearers(Protocol):
    def authenticate(self, credential: Secret) -> Actor | None: ...


class Identities:
    """Answers `ports.identity`. A bearer is asked of each in turn; each knows its own kind by the form and leaves the others alone."""

    def __init__(self, bearers: Sequence[_Bearers], sessions: auth.SessionIdentity) -> None:
        self._bearers = bearers
        self._sessions = sessions

    def authenticate(self, credential: Secret) -> Actor | None:
        """Return who holds this bearer credential, None when nobody knows it."""
        return next((actor for bearers in self._bearers if (actor := bearers.authenticate(credential))), None)

    def authenticate_session(self, secret: Secret, organization: str = "") -> Actor | None:
        """Return who holds this session cookie, None when it is unknown, expired or revoked."""
        return self._sessions.authenticate_session(secret, organization)


def make_identities(transactions: Transactions, provider: SignInProvider | None = None) -> Identities:
    """Return who knows which credential."""
    bearers: list[_Bearers] = [tokens.TokenIdentity(transactions), auth.AccessTokenIdentity(transactions)]
    if provider is not None:
        bearers.append(auth.ProviderTokenIdentity(transactions, provider))
    return Identities(bearers, auth.SessionIdentity(transactions))


def make_sign_in_provider(settings: Settings) -> SignInProvider | None:
    """Return the OpenID provider of the settings, None when there is none; only then is what it needs loaded."""
    if settings.oidc_issuer is None:
        return None
    from canonry.adapters.sign_in_provider.oidc.provider import OidcProvider  # noqa: PLC0415 -- only who has a provider needs it

    return OidcProvider(
        settings.oidc_issuer, settings.oidc_client_id or "", settings.oidc_client_secret, scopes=settings.oidc_scopes,
        audience=settings.oidc_audience,
    )  # fmt: skip
