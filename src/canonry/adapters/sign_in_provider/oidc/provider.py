"""One OpenID Connect provider, as the port wants it."""

import base64
import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from canonry.adapters.sign_in_provider.oidc.directory import Directory
from canonry.adapters.sign_in_provider.oidc.verification import Refused, verify
from canonry.core.errors import CanonryError, Unauthenticated, Unavailable
from canonry.core.secret import Secret
from canonry.infra import outbound
from canonry.ports.sign_in_provider import Attempt, DeviceStart, DeviceState, Person

_log = logging.getLogger(__name__)
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_DEVICE_ERRORS = {
    "authorization_pending": "pending", "slow_down": "slow_down", "expired_token": "expired", "access_denied": "denied",
}  # fmt: skip


class OidcProvider:
    """Fulfils `ports.sign_in_provider`. audience: the provider's own access tokens for it are accepted as bearers; None for none."""

    def __init__(self, issuer: str, client_id: str, client_secret: Secret | None, *, scopes: str, audience: str | None = None) -> None:
        self._directory = Directory(issuer)
        self._client_id = client_id
        self._client_secret = client_secret
        self._scopes = scopes
        self._audience = audience

    def start(self, attempt: Attempt, *, redirect_uri: str, organization: str = "", connection: str = "") -> str:
        """Return the address at the provider where a browser is sent."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.reveal().encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self._client_id, "redirect_uri": redirect_uri, "scope": self._scopes,
            "state": attempt.state, "nonce": attempt.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
            **({"organization": organization} if organization else {}), **({"connection": connection} if connection else {}),
        }  # fmt: skip
        return _with_query(self._endpoint("authorization_endpoint"), query)

    def finish(self, attempt: Attempt, *, code: str, redirect_uri: str) -> Person:
        """Return who signed in. Raises: Unauthenticated `sign_in_refused`."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier.reveal(),
        }
        status, answer = self._post("token_endpoint", fields)
        if status != 200:
            raise _refused(f"the provider answered {str(answer.get('error', status))[:100]!r}")
        return self._person(answer, attempt.nonce)

    def identify(self, token: Secret) -> Person | None:
        """Return whom a bearer token of the provider speaks for."""
        value = token.reveal()
        if self._audience is None or value.count(".") != 2:
            return None
        try:
            claims = verify(value, self._directory, audience=self._audience)
        except Refused as reason:
            _log.info("A bearer token was refused: %s.", reason)
            return None
        return _person_of(self._directory.issuer, claims)

    def end_session(self, return_to: str) -> str | None:
        """Return the address where a browser is signed out at the provider too."""
        try:
            place = self._directory.endpoint("end_session_endpoint")
        except Unavailable:
            return None
        return _with_query(place, {"client_id": self._client_id, "post_logout_redirect_uri": return_to}) if place else None

    def start_device(self) -> DeviceStart | None:
        """Begin a device sign-in; None when the provider offers none."""
        if self._directory.endpoint("device_authorization_endpoint") is None:
            return None
        status, answer = self._post("device_authorization_endpoint", {"scope": self._scopes})
        if status != 200 or not all(isinstance(answer.get(name), str) for name in ("device_code", "user_code", "verification_uri")):
            raise _unavailable(f"it answered {str(answer.get('error', status))[:100]!r} to a device sign-in")
        place = answer["verification_uri"]
        return DeviceStart(
            Secret(answer["device_code"]), answer["user_code"], place, str(answer.get("verification_uri_complete") or place),
            _seconds(answer.get("interval"), 5), _seconds(answer.get("expires_in"), 900),
        )  # fmt: skip

    def poll_device(self, device_code: Secret) -> DeviceState:
        """Return how far a device sign-in is."""
        status, answer = self._post("token_endpoint", {"grant_type": _DEVICE_GRANT, "device_code": device_code.reveal()})
        if status == 200:
            try:
                return DeviceState("approved", self._person(answer, None))
            except Unauthenticated as error:
                return DeviceState("error", detail=error.message)
        reason = str(answer.get("error", status))
        return DeviceState(_DEVICE_ERRORS.get(reason, "error"), detail=reason[:100])

    def _person(self, answer: Mapping[str, Any], nonce: str | None) -> Person:
        try:
            claims = verify(str(answer.get("id_token", "")), self._directory, audience=self._client_id, nonce=nonce)
        except Refused as reason:
            raise _refused(f"its token does not hold, {reason}") from reason
        if not claims.get("email"):
            claims = {**self._user_info(str(answer.get("access_token", "")), claims["sub"]), **claims}
        return _person_of(self._directory.issuer, claims)

    def _user_info(self, access_token: str, subject: str) -> dict[str, Any]:
        place = self._directory.endpoint("userinfo_endpoint")
        if place is None or not access_token or not access_token.isascii() or not access_token.isprintable():
            return {}
        status, answer = self._send("GET", place, {"Authorization": f"Bearer {access_token}"}, None)
        return answer if status == 200 and answer.get("sub") == subject else {}

    def _endpoint(self, name: str) -> str:
        place = self._directory.endpoint(name)
        if place is None:
            raise _unavailable(f"it has no {name}")
        return place

    def _post(self, endpoint: str, fields: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        headers, sent = {"Content-Type": "application/x-www-form-urlencoded"}, {**fields, "client_id": self._client_id}
        if self._client_secret is not None:
            methods = self._directory.document().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
            if "client_secret_basic" in methods:
                pair = f"{quote(self._client_id, safe='')}:{quote(self._client_secret.reveal(), safe='')}"
                headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            else:
                sent["client_secret"] = self._client_secret.reveal()
        return self._send("POST", self._endpoint(endpoint), headers, urlencode(sent).encode())

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, dict[str, Any]]:
        try:
            reply = outbound.request(method, url, headers={"Accept": "application/json", **headers}, body=body, allow_private=True)
        except CanonryError as error:
            raise _unavailable(error.message) from error
        if reply.status >= 500:
            raise _unavailable(f"it answers {reply.status}")
        try:
            document = json.loads(reply.body)
        except ValueError:
            document = None
        return reply.status, document if isinstance(document, dict) else {}


def _person_of(issuer: str, claims: Mapping[str, Any]) -> Person:
    texts = {name: value for name in ("email", "name", "preferred_username") if isinstance(value := claims.get(name), str)}
    name = "".join(letter for letter in texts.get("name") or texts.get("preferred_username") or "" if letter.isprintable())
    verified = str(claims.get("email_verified")).lower() == "true"  # some providers write the truth value as a string
    return Person(issuer, claims["sub"], texts.get("email", ""), verified, name[:200])


def _seconds(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and 0 < value <= 3600 else otherwise


def _with_query(place: str, query: Mapping[str, str]) -> str:
    return f"{place}{'&' if '?' in place else '?'}{urlencode(query)}"


def _refused(reason: str) -> Unauthenticated:
    return Unauthenticated("sign_in_refused", f"The sign-in through the identity provider failed: {reason}.", hint="Try to sign in again.")


def _unavailable(reason: str) -> Unavailable:
    return Unavailable("provider_unavailable", f"The identity provider cannot be used: {reason.rstrip('.')}.",
                       hint="Try again shortly; whoever runs this Canonry finds the settings under CANONRY_OIDC_ISSUER.")  # fmt: skip
