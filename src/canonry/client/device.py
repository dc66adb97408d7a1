"""Signing in from a terminal: it shows a code, and a person approves it in a browser."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from canonry.client.credentials import Credentials
from canonry.client.renewal import with_tokens
from canonry.client.transport import Transport
from canonry.core.errors import Denied, Limited, Unauthenticated, Unavailable
from canonry.core.secret import Secret

_INTERVAL, _SLOWER, _LIFE = 5.0, 5.0, 900.0
_ACCESS_LIFE = 86_400.0  # of a server that does not say


@dataclass(frozen=True)
class Codes:
    """What a person needs to know: the code, where to enter it, and an address that has it in already. expires_in: seconds."""

    user_code: str
    place: str
    place_with_code: str
    expires_in: float


@dataclass(frozen=True)
class SignedIn:
    """How it ended well."""

    credentials: Credentials
    email: str


def sign_in(
    url: str, *, organization: str, client: str, show: Callable[[Codes], None], sleep: Callable[[float], None] = time.sleep
) -> SignedIn:
    """Sign in at a Canonry: show the codes, ask as often as the server allows, return the credentials.

    organization: the handle to ask for, or empty. client: how this program names itself to the person who decides.
    Raises: Denied `sign_in_refused`, Unauthenticated `sign_in_expired`, `sign_in_failed`; Unavailable.
    """
    transport = Transport(url, None)
    started = transport.send("POST", "/auth/device/code", document={"client": client, **({"org": organization} if organization else {})})
    life = float(started.get("expires_in") or _LIFE)
    place = str(started["verification_uri"])
    show(Codes(str(started["user_code"]), place, str(started.get("verification_uri_complete") or place), life))
    deadline, interval = time.monotonic() + life, float(started.get("interval") or _INTERVAL)
    while time.monotonic() < deadline:
        sleep(interval)
        told, pause = _ask(transport, str(started["device_code"]))
        if told is None:
            interval = max(interval, pause)
        elif told.get("status") == "pending":
            interval += _SLOWER if told.get("slow_down") else 0
        else:
            return _end(transport.url, told)
    raise _expired()


def _ask(transport: Transport, device_code: str) -> tuple[dict[str, Any] | None, float]:
    """Ask once; None when there was no answer (a restart, a network that is gone for a while) and it is to be tried again."""
    try:
        return transport.send("POST", "/auth/device/token", document={"device_code": device_code}), 0
    except Unavailable:
        return None, 0
    except Limited as error:
        return None, float(error.retry_after or 0)


def _end(url: str, told: dict[str, Any]) -> SignedIn:
    status = told.get("status")
    if status == "approved":
        bare = Credentials(url, Secret(""), str(told.get("org") or ""))
        lasting = float(told.get("expires_in") or _ACCESS_LIFE)
        return SignedIn(with_tokens(bare, str(told["access_token"]), str(told["refresh_token"]), lasting), str(told.get("email") or ""))
    if status == "denied":
        raise Denied("sign_in_refused", "The sign-in was refused in the browser.", hint="Begin again: canonry login.")
    if status == "expired":
        raise _expired()
    raise Unauthenticated("sign_in_failed", f"The sign-in failed: {told.get('detail') or status}.", hint="Begin again: canonry login.")


def _expired() -> Unauthenticated:
    return Unauthenticated("sign_in_expired", "Nobody approved the code in time.", hint="Begin again: canonry login.")
