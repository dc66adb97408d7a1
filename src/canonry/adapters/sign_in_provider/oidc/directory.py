"""What a provider says about itself: its addresses and its keys, fetched when they are needed and kept for a while."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from canonry.core.errors import CanonryError, Unavailable
from canonry.infra import outbound

_log = logging.getLogger(__name__)
_KEPT = 3600.0  # seconds; a provider that was asked before and does not answer now is believed to be as it was
_RETRY = 10.0  # seconds between two looks for a key that is not there: a stranger's token must not make us ask at every request
_PAUSE = 2.0  # seconds in which keys that could not be fetched are not asked for again: everybody waits for who asks, 5 s each time
_TIMEOUT = 5.0


class Directory:
    """The discovery document and the key set of one issuer. Safe to use from many threads."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._lock = threading.Lock()
        self._document: Mapping[str, Any] | None = None
        self._keys: Sequence[Mapping[str, Any]] = ()
        self._document_at = self._keys_at = self._failed_at = float("-inf")

    def document(self) -> Mapping[str, Any]:
        """Return the discovery document. Raises: Unavailable `provider_unavailable`."""
        with self._lock:
            return self._fresh_document()

    def endpoint(self, name: str) -> str | None:
        """Return one of its addresses, None when it has none of that name. Raises: Unavailable `provider_unavailable`."""
        value = self.document().get(name)
        return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None

    def keys(self, key_id: str | None) -> Sequence[Mapping[str, Any]]:
        """Return the signing keys with that id (all of them without one). Keys are fetched again when none fits: providers change them.

        Raises: Unavailable `provider_unavailable`.
        """
        with self._lock:
            if not self._keys and time.monotonic() - self._failed_at < _PAUSE:
                raise _unavailable(self.issuer, "it did not answer a moment ago")
            age = time.monotonic() - self._keys_at
            if age > _KEPT or (not self._fitting(key_id) and age > _RETRY):
                self._fetch_keys()
            return self._fitting(key_id)

    def _fitting(self, key_id: str | None) -> Sequence[Mapping[str, Any]]:
        return [key for key in self._keys if key.get("use", "sig") == "sig" and (key_id is None or key.get("kid") == key_id)]

    def _fresh_document(self) -> Mapping[str, Any]:
        if self._document is not None and time.monotonic() - self._document_at < _KEPT:
            return self._document
        try:
            found = self._fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                name = str(found.get("issuer"))[:200]
                raise _unavailable(self.issuer, f"it calls itself {name!r}, and CANONRY_OIDC_ISSUER must be exactly that")
        except Unavailable:
            if self._document is None:
                raise
            _log.warning("The OpenID provider %s does not answer; what it said before is used.", self.issuer)
            found = dict(self._document)
        self._document, self._document_at = found, time.monotonic()
        return found

    def _fetch_keys(self) -> None:
        self._keys_at = time.monotonic()
        try:
            found = self._fetch(str(self._fresh_document().get("jwks_uri"))).get("keys")
        except Unavailable:
            if not self._keys:
                self._keys_at, self._failed_at = float("-inf"), time.monotonic()
                raise
            return
        if isinstance(found, list):
            self._keys = [key for key in found if isinstance(key, dict)]

    def _fetch(self, url: str) -> dict[str, Any]:
        try:
            reply = outbound.request("GET", url, headers={"Accept": "application/json"}, timeout=_TIMEOUT, allow_private=True)
            document = reply.json() if reply.status == 200 else None
        except CanonryError as error:
            raise _unavailable(self.issuer, error.message) from error
        if not isinstance(document, dict):
            raise _unavailable(self.issuer, f"{url} answers {reply.status}")
        return document


def _unavailable(issuer: str, reason: str) -> Unavailable:
    return Unavailable("provider_unavailable", f"The identity provider {issuer} cannot be used: {reason.rstrip('.')}.",
                       hint="Try again shortly; whoever runs this Canonry finds the settings under CANONRY_OIDC_ISSUER.")  # fmt: skip
