"""Keeping a session's access token fresh: refreshed before its hour is over, and once when the server refuses it.

A refresh token is good for one use, and showing it twice ends the session; so commands that run at the same time take turns at a lock, and
whoever comes second finds the tokens that the first one has stored.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from canonry.client import credentials as stored_credentials
from canonry.client.credentials import Credentials
from canonry.client.transport import Transport
from canonry.core.errors import Unauthenticated
from canonry.core.secret import Secret

_EARLY = 30.0  # seconds before its end at which a token counts as old


def open_transport(credentials: Credentials) -> Transport:
    """Return the way to a server; tokens that do not last are refreshed on it."""
    tokens = None if credentials.refresh is None else Renewal(credentials)
    return Transport(credentials.url, credentials.token, tokens=tokens)


class Renewal:
    """Fulfils `transport.Tokens` for stored credentials that can be refreshed."""

    def __init__(self, credentials: Credentials) -> None:
        self._current = credentials

    def fresh(self) -> Secret:
        """Return a token that is good for half a minute at least. Raises: Unauthenticated `session_ended`; Unavailable."""
        if self._current.expires_at - time.time() < _EARLY:
            self.instead_of(self._current.token)
        return self._current.token

    def instead_of(self, refused: Secret) -> Secret | None:
        """Return another token: that of a command that was faster, else a refreshed one; None when the user has signed out meanwhile.

        Raises: Unauthenticated `session_ended`; Unavailable.
        """
        with _alone():
            found = stored_credentials.load()
            if found is None or found.url != self._current.url or found.refresh is None:
                return None
            if found.token == refused:
                found = _refreshed(found, found.refresh)
                stored_credentials.keep(found)
            self._current = found
        return found.token


def _refreshed(credentials: Credentials, refresh: Secret) -> Credentials:
    try:
        answer = Transport(credentials.url, None).send("POST", "/auth/refresh", document={"refresh_token": refresh.reveal()})
    except Unauthenticated as error:
        raise Unauthenticated("session_ended", f"Your session at {credentials.url} has ended.",
                              hint=f"Sign in again: canonry login --url {credentials.url}") from error  # fmt: skip
    return with_tokens(credentials, answer["access_token"], answer["refresh_token"], answer["expires_in"])


def with_tokens(credentials: Credentials, access: str, refresh: str, expires_in: float) -> Credentials:
    """Return credentials with new tokens."""
    return replace(credentials, token=Secret(access), refresh=Secret(refresh), expires_at=time.time() + float(expires_in))


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock of this user's credentials. Raises: Unavailable `credentials_not_stored`, before anything is used up."""
    import fcntl  # noqa: PLC0415 -- only who refreshes needs it

    place = stored_credentials.path().with_suffix(".lock")
    try:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise stored_credentials.not_stored(place, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
