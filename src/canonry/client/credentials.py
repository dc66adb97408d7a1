"""Who this user is to which Canonry: one small file that only its owner may read."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from canonry.core.errors import Invalid, Unauthenticated, Unavailable
from canonry.core.secret import Secret
from canonry.core.settings import read_client_settings, user_config_folder


@dataclass(frozen=True)
class Credentials:
    """Where Canonry answers, the token to send there, and the handle of the organization the token belongs to (may be empty).

    refresh: exchanged for new tokens when the time of this one (expires_at, seconds since 1970) is over; None for one made by hand.
    """

    url: str
    token: Secret
    organization: str = ""
    refresh: Secret | None = None
    expires_at: float = 0.0


def path() -> Path:
    """Return where the credentials of this user lie."""
    return user_config_folder() / "credentials.json"


def store(url: str, token: str, organization: str) -> Path:
    """Keep a token that was made by hand, and return the file. Raises: Unavailable `credentials_not_stored`."""
    return keep(Credentials(url, Secret(token), organization))


def keep(credentials: Credentials) -> Path:
    """Keep the credentials (mode 0600, replaced in one step) and return the file.

    Raises: Unavailable `credentials_not_stored`.
    """
    target = path()
    document: dict[str, object] = {
        "url": credentials.url.rstrip("/"), "token": credentials.token.reveal(), "organization": credentials.organization,
    }  # fmt: skip
    if credentials.refresh is not None:
        document |= {"refresh_token": credentials.refresh.reveal(), "expires_at": credentials.expires_at}
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(target, (json.dumps(document, indent=2) + "\n").encode())
    except OSError as error:
        raise not_stored(target, error) from error
    return target


def not_stored(place: Path, error: OSError) -> Unavailable:
    """Return the error of a folder that cannot be written."""
    return Unavailable("credentials_not_stored", f"The credentials could not be written to {place}: {error.strerror}.",
                       hint="Make the folder writable, or choose another one with CANONRY_CONFIG.")  # fmt: skip


def remove() -> bool:
    """Forget the stored credentials; say whether there were any."""
    try:
        path().unlink()
    except FileNotFoundError:
        return False
    return True


def load() -> Credentials | None:
    """Return what is stored, None when nothing is.

    Raises: Invalid `credentials_damaged`.
    """
    source = path()
    try:
        document = json.loads(source.read_bytes())
        refresh = document.get("refresh_token")
        return Credentials(
            str(document["url"]), Secret(str(document["token"])), str(document.get("organization") or ""),
            Secret(str(refresh)) if refresh else None, float(document.get("expires_at") or 0),
        )  # fmt: skip
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid("credentials_damaged", f"The credentials in {source} cannot be read.",
                      hint="Sign in again: canonry login.") from error  # fmt: skip


def current() -> Credentials:
    """Return the credentials to use: `CANONRY_URL` and `CANONRY_TOKEN` win over the stored ones.

    A stored token is never sent to another address than the one it was stored with.
    Raises: Unauthenticated `not_logged_in`, Invalid `credentials_damaged`.
    """
    settings = read_client_settings()
    if settings.url and settings.token:
        return Credentials(settings.url.rstrip("/"), settings.token)
    stored = load()
    if stored and settings.token:
        return Credentials(stored.url, settings.token)
    if stored and (settings.url is None or settings.url.rstrip("/") == stored.url):
        return stored
    if stored or settings.url:
        raise Unauthenticated("not_logged_in", f"There is no token for {settings.url}.",
                              hint="Set CANONRY_TOKEN too, or sign in there: canonry login --url URL.")  # fmt: skip
    if settings.token:
        raise Unauthenticated("not_logged_in", "There is a token in CANONRY_TOKEN, but no address to send it to.",
                              hint="Set CANONRY_URL too, like http://localhost:8080.")  # fmt: skip
    raise Unauthenticated("not_logged_in", "You are not signed in to any Canonry.",
                          hint="Start one on this machine with: canonry up. For another one: canonry login --url URL.")  # fmt: skip


def _replace(target: Path, content: bytes) -> None:
    # client may not import infra, which has the same for everybody else
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
