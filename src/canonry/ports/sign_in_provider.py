"""Who somebody is, by the word of an outside provider."""

from dataclasses import dataclass
from typing import Protocol

from canonry.core.secret import Secret


@dataclass(frozen=True)
class Person:
    """Somebody as the provider knows them. issuer and subject never change; email may be empty, and is only sometimes verified."""

    issuer: str
    subject: str
    email: str = ""
    email_verified: bool = False
    name: str = ""


@dataclass(frozen=True)
class Attempt:
    """One sign-in under way. All three are random; verifier and nonce are told to nobody but the provider, at the end."""

    state: str
    nonce: str
    verifier: Secret


@dataclass(frozen=True)
class DeviceStart:
    """A device sign-in at the provider. interval, expires_in: seconds."""

    device_code: Secret
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    interval: int
    expires_in: int


@dataclass(frozen=True)
class DeviceState:
    """How far it is. status: pending, slow_down, expired, denied, error or approved; person: with approved; detail: with error."""

    status: str
    person: Person | None = None
    detail: str = ""


class SignInProvider(Protocol):
    """One provider that people sign in with. Every call may go to the outside: never make one inside a transaction.

    Raises, where it is not said otherwise: Unavailable `provider_unavailable`.
    """

    def start(self, attempt: Attempt, *, redirect_uri: str, organization: str = "", connection: str = "") -> str:
        """Return the address at the provider where a browser is sent; it comes back to redirect_uri with the attempt's state and a code.

        organization, connection: which sign-in of the provider to use; those it does not know it ignores.
        """
        ...

    def finish(self, attempt: Attempt, *, code: str, redirect_uri: str) -> Person:
        """Return who signed in. Raises: Unauthenticated `sign_in_refused` when code, verifier, nonce or the provider's word do not hold."""
        ...

    def identify(self, token: Secret) -> Person | None:
        """Return whom a bearer token of the provider speaks for; None when it is none of its, has expired, or was not made for us."""
        ...

    def end_session(self, return_to: str) -> str | None:
        """Return the address where a browser is signed out at the provider too; None when it has none or does not answer."""
        ...

    def start_device(self) -> DeviceStart | None:
        """Begin a device sign-in; None when the provider offers none."""
        ...

    def poll_device(self, device_code: Secret) -> DeviceState:
        """Return how far a device sign-in is; each one is given out as approved once."""
        ...
