"""Asking GitHub's REST API: with the token of a connection, or as an installed app, whose tokens are made and kept while they are good."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from canonry.core.errors import Denied, Invalid, Unavailable
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.infra.outbound import Reply, request
from canonry.ports.git_host import Repository

TIMEOUT = 4.0  # seconds for each wait: one of the callers is a request of a person
PATIENT = 20.0  # for what GitHub itself takes a while to do: a commit, a merge
_AGAIN = "It is tried again."
_EARLY = 300.0  # seconds before its end in which a token of an installation is not used any more


class Refused(Invalid):
    """GitHub understood and said no. status, said: what it answered; faults: its list of what is wrong."""

    def __init__(self, where: str, status: int, said: str, faults: str) -> None:
        super().__init__("git_host_rejected", f"GitHub: {where}.")
        self.status = status
        self.said = f"{said} {faults}".strip()


class Missing(Denied):
    """GitHub answers 404: it is not there, or not for us."""


class GitHubClient:
    """Talks to one GitHub. Safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self._api = settings.github_api_url.rstrip("/")
        self._home = settings.github_url.rstrip("/")
        self._app_id = settings.github_app_id
        self._app_key = Path(settings.github_app_key).expanduser() if settings.github_app_key else None
        self._tokens: dict[str, tuple[Secret, float]] = {}
        self._lock = threading.Lock()

    def is_app(self) -> bool:
        """Say whether there is an app to act as."""
        return self._app_id is not None and self._app_key is not None

    def access(self, repository: Repository) -> Secret:
        """Return the token that git reads the repository with, and the API is asked with."""
        token = repository.token
        if token is None:
            return self._installation_token(repository.name)
        return Secret(token.reveal().partition(":")[2]) if ":" in token.reveal() else token  # `user:token`, as git takes it

    def ask(self, repository: Repository, method: str, path: str, body: object = None, *, timeout: float = TIMEOUT) -> Any:  # noqa: ANN401
        """Ask below a repository; path: what comes after `/repos/owner/name`."""
        return self.send(method, f"/repos/{repository.name}{path}", self.access(repository), body, timeout=timeout)

    def pages(self, token: Secret, path: str, *, size: int, most: int) -> Iterator[Any]:
        """Give the pages of a list, at most `most` of them."""
        sign = "&" if "?" in path else "?"
        for number in range(1, most + 1):
            reply = self._reply("GET", f"{path}{sign}per_page={size}&page={number}", token, None, TIMEOUT)
            yield _checked(reply, "GET", path)
            if 'rel="next"' not in reply.headers.get("link", ""):
                return

    def send(self, method: str, path: str, token: Secret, body: object, *, timeout: float = TIMEOUT) -> Any:  # noqa: ANN401 -- JSON
        """Ask once and return the document. What was renamed is asked for where it is now."""
        reply = self._reply(method, path, token, body, timeout)
        if method == "GET" and reply.status in {301, 307, 308}:
            place = reply.headers.get("location", "")
            if place.startswith(f"{self._api}/"):
                reply = self._reply(method, place.removeprefix(self._api), token, body, timeout)
        return _checked(reply, method, path)

    def installation_of(self, repository: Repository) -> int | None:
        """Return the number of the app's installation at a repository."""
        if repository.token is not None or not self.is_app():
            return None
        try:
            return int(self.send("GET", f"/repos/{repository.name}/installation", self._app_token(), None)["id"])
        except Missing:
            return None

    def installed_token(self, installation: int) -> Secret:
        """Return a token for everything that an installation may act on."""
        answer = self.send("POST", f"/app/installations/{installation}/access_tokens", self._app_token(), {})
        return Secret(str(answer["token"]))

    def _reply(self, method: str, path: str, token: Secret, body: object, timeout: float) -> Reply:
        headers = {
            "Authorization": f"Bearer {token.reveal()}", "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/json",
        }  # fmt: skip
        payload = None if body is None else json.dumps(body).encode()
        try:
            return request(method, f"{self._api}{path}", headers=headers, body=payload, timeout=timeout, allow_private=True)
        except Unavailable as error:
            raise Unavailable("git_host_unreachable", f"GitHub could not be reached: {error.message}", hint="It is tried again.") from error

    def _installation_token(self, name: str) -> Secret:
        """Return a token of the app's installation at a repository; one is used for as long as it is good."""
        with self._lock:
            known = self._tokens.get(name)
        if known is not None and known[1] - _EARLY > time.time():
            return known[0]
        jwt = self._app_token()
        installation = self.send("GET", f"/repos/{name}/installation", jwt, None)["id"]
        wanted = {"repositories": [name.partition("/")[2]]}
        answer = self.send("POST", f"/app/installations/{installation}/access_tokens", jwt, wanted)
        token = Secret(str(answer["token"]))
        with self._lock:
            self._tokens[name] = (token, datetime.fromisoformat(answer["expires_at"]).timestamp())
        return token

    def _app_token(self) -> Secret:
        import jwt  # noqa: PLC0415 -- seldom needed, and not small

        if self._app_id is None or self._app_key is None:
            raise Denied("git_host_refused", "There is neither a token for this repository nor a GitHub App.")
        try:
            key = self._app_key.read_text()
            now = int(time.time())
            return Secret(jwt.encode({"iat": now - 60, "exp": now + 540, "iss": self._app_id}, key, algorithm="RS256"))
        except (OSError, ValueError, jwt.PyJWTError) as error:
            raise Invalid("git_host_rejected", f"The key of the GitHub App cannot be used: {type(error).__name__}.",
                          hint="CANONRY_GITHUB_APP_KEY names the .pem file that GitHub made for the app.") from error  # fmt: skip


def _checked(reply: Reply, method: str, path: str) -> Any:  # noqa: ANN401 -- JSON
    """Return the answer. Raises as the port says."""
    if 200 <= reply.status < 300:
        return reply.json() if reply.body else {}
    said, faults = _words(reply)
    where = f"{method} {path.partition('?')[0]} answered {reply.status}{': ' + said if said else ''}"
    is_limit = reply.status == 429 or (reply.status == 403 and ("rate limit" in said.lower() or _is_used_up(reply)))
    if is_limit or reply.status >= 500:
        raise Unavailable("git_host_unreachable", f"GitHub: {where}.", hint="It allows no more calls for now." if is_limit else _AGAIN)
    if reply.status in {401, 403, 404}:
        kind = Missing if reply.status == 404 else Denied
        raise kind("git_host_refused", f"GitHub: {where}.", hint="The token, or the app, needs access to the repository.")
    raise Refused(where, reply.status, said, faults)


def _words(reply: Reply) -> tuple[str, str]:
    """Return what GitHub says of a failure: its message, and its list of faults."""
    try:
        document = json.loads(reply.body)
    except ValueError:
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    listed = document.get("errors")
    faults = [
        str(item.get("message") or item.get("code") or "") if isinstance(item, dict) else str(item)
        for item in (listed if isinstance(listed, list) else [])
    ]
    return str(document.get("message", ""))[:200], "; ".join(faults)[:300]


def _is_used_up(reply: Reply) -> bool:
    return reply.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in reply.headers
