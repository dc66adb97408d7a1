"""What is asked of GitHub to link an account: a code becomes a token, a token becomes a name."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from canonry.core.errors import CanonryError, Unavailable
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.infra import outbound

SCOPES = "repo read:user"


@dataclass(frozen=True)
class GitHubAccount:
    """Somebody at GitHub. subject: the number that never changes; login may."""

    subject: str
    login: str
    name: str


def consent_url(settings: Settings, *, state: str, verifier: str, redirect_uri: str) -> str:
    """Return the address at GitHub where a person is asked."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": settings.github_client_id or "", "redirect_uri": redirect_uri, "scope": SCOPES, "state": state,
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{settings.github_url.rstrip('/')}/login/oauth/authorize?{urlencode(query)}"


def exchange(settings: Settings, *, code: str, verifier: str, redirect_uri: str) -> Secret | None:
    """Return the token for a code, None when GitHub gives none. Raises: Unavailable `github_unavailable`."""
    secret = settings.github_client_secret
    fields = {
        "client_id": settings.github_client_id or "", "client_secret": secret.reveal() if secret else "", "code": code,
        "redirect_uri": redirect_uri, "code_verifier": verifier,
    }  # fmt: skip
    answer = _ask("POST", f"{settings.github_url.rstrip('/')}/login/oauth/access_token", body=urlencode(fields).encode())
    token = answer.get("access_token")
    return Secret(token) if isinstance(token, str) and token.isascii() and token.isprintable() and token else None


def whose(settings: Settings, token: Secret) -> GitHubAccount:
    """Return whose token it is. Raises: Unavailable `github_unavailable`."""
    answer = _ask("GET", f"{settings.github_api_url.rstrip('/')}/user", headers={"Authorization": f"Bearer {token.reveal()}"})
    login, number = answer.get("login"), answer.get("id")
    if not isinstance(login, str) or not isinstance(number, int):
        raise _unavailable("it does not say whose the token is")
    name = answer.get("name")
    return GitHubAccount(str(number), _line(login), _line(name) if isinstance(name, str) else "")


def _ask(method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> dict[str, Any]:
    sent = {"Accept": "application/json", **({"Content-Type": "application/x-www-form-urlencoded"} if body else {}), **(headers or {})}
    try:
        reply = outbound.request(method, url, headers=sent, body=body, allow_private=True)
        document = reply.json()
    except CanonryError as error:
        raise _unavailable(error.message) from error
    if reply.status >= 400 or not isinstance(document, dict):
        raise _unavailable(f"it answered {reply.status}")
    return document


def _line(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:200]


def _unavailable(reason: str) -> Unavailable:
    return Unavailable("github_unavailable", f"GitHub could not be used: {reason.rstrip('.')}.", hint="Try again shortly.")
