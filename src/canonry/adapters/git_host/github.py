"""GitHub, and GitHub Enterprise Server: REST, with the token of a connection or as an installed GitHub App."""

import json
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from canonry.core.errors import Denied, Invalid, Unavailable
from canonry.core.refs import parse_repository_url
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.infra.outbound import Reply, request
from canonry.ports.git_host import Report, ReportState, Repository

_TIMEOUT = 4.0  # seconds for each wait: one of the callers is a request of a person
_EARLY = 300.0  # seconds before its end in which a token of an installation is not used any more
_DESCRIPTION = 140
_DEPLOYMENT_STATES = {ReportState.PENDING: "in_progress"}


class GitHub:
    """Talks to one GitHub. Safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self._api = settings.github_api_url.rstrip("/")
        self._home = settings.github_url.rstrip("/")
        self._app_id = settings.github_app_id
        self._app_key = Path(settings.github_app_key).expanduser() if settings.github_app_key else None
        self._tokens: dict[str, tuple[Secret, float]] = {}
        self._lock = threading.Lock()

    def repository_at(self, url: str) -> str | None:
        """Return `owner/name` when the address is one of this GitHub's, over https or ssh."""
        place = parse_repository_url(url, allow_file=True, allow_ssh=True).place
        host, _, path = place.partition("/")
        mine = self._home.partition("://")[2].rpartition(":")[0] or self._home.partition("://")[2]
        return path if host == mine.lower() and path.count("/") == 1 else None

    def may_act(self, repository: Repository) -> bool:
        """Say whether there is a token, or an app."""
        return repository.token is not None or (self._app_id is not None and self._app_key is not None)

    def may_push(self, name: str, person: Secret) -> bool:
        """Say whether a person's own token may push; GitHub answers 404 for what they may not even see."""
        try:
            answer = self._send("GET", f"/repos/{name}", person, None)
        except Denied:
            return False
        rights = answer.get("permissions") if isinstance(answer, dict) else None
        return isinstance(rights, dict) and rights.get("push") is True

    def set_status(self, repository: Repository, report: Report) -> None:
        """Set the status of a commit."""
        if report.state is not ReportState.INACTIVE:
            self._ask(repository, "POST", f"/repos/{repository.name}/statuses/{report.commit}", {
                "state": str(report.state), "context": report.context, "target_url": report.url,
                "description": report.description[:_DESCRIPTION],
            })  # fmt: skip

    def open_deployment(self, repository: Repository, report: Report) -> str:
        """Announce a deployment."""
        answer = self._ask(repository, "POST", f"/repos/{repository.name}/deployments", {
            "ref": report.commit, "environment": report.environment, "description": report.description[:_DESCRIPTION], "auto_merge": False,
            "required_contexts": [], "transient_environment": report.is_preview, "production_environment": not report.is_preview,
        })  # fmt: skip
        return str(answer["id"])

    def set_deployment(self, repository: Repository, deployment: str, report: Report) -> None:
        """Say how a deployment stands; GitHub itself ends the earlier ones of the same environment when one succeeds."""
        self._ask(repository, "POST", f"/repos/{repository.name}/deployments/{deployment}/statuses", {
            "state": _DEPLOYMENT_STATES.get(report.state, str(report.state)), "environment_url": report.url, "log_url": report.url,
            "description": report.description[:_DESCRIPTION],
        })  # fmt: skip

    def set_webhook(self, repository: Repository, url: str, secret: Secret) -> None:
        """Make the webhook, or change the one that sends there already."""
        config = {"url": url, "content_type": "json", "secret": secret.reveal(), "insecure_ssl": "0"}
        body = {"name": "web", "active": True, "events": ["push", "pull_request"], "config": config}
        hooks = self._ask(repository, "GET", f"/repos/{repository.name}/hooks?per_page=100", None)
        known = next((item["id"] for item in hooks if (item.get("config") or {}).get("url") == url), None)
        path = f"/repos/{repository.name}/hooks"
        if known is None:
            self._ask(repository, "POST", path, body)
        else:
            self._ask(repository, "PATCH", f"{path}/{known}", body)

    def _ask(self, repository: Repository, method: str, path: str, body: object) -> Any:  # noqa: ANN401 -- JSON
        token = repository.token
        if token is None:
            token = self._installation_token(repository.name)
        elif ":" in token.reveal():  # `user:token`, as git takes it
            token = Secret(token.reveal().partition(":")[2])
        return self._send(method, path, token, body)

    def _send(self, method: str, path: str, token: Secret, body: object) -> Any:  # noqa: ANN401 -- JSON
        headers = {
            "Authorization": f"Bearer {token.reveal()}", "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/json",
        }  # fmt: skip
        payload = None if body is None else json.dumps(body).encode()
        try:
            reply = request(method, f"{self._api}{path}", headers=headers, body=payload, timeout=_TIMEOUT, allow_private=True)
        except Unavailable as error:
            raise Unavailable("git_host_unreachable", f"GitHub could not be reached: {error.message}", hint="It is tried again.") from error
        return _checked(reply, method, path)

    def _installation_token(self, name: str) -> Secret:
        """Return a token of the app's installation at a repository; one is used for as long as it is good."""
        with self._lock:
            known = self._tokens.get(name)
        if known is not None and known[1] - _EARLY > time.time():
            return known[0]
        jwt = self._app_token()
        installation = self._send("GET", f"/repos/{name}/installation", jwt, None)["id"]
        answer = self._send("POST", f"/app/installations/{installation}/access_tokens", jwt, {"repositories": [name.partition("/")[2]]})
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
    try:
        said = str(json.loads(reply.body).get("message", ""))[:200]
    except (ValueError, AttributeError):
        said = ""
    where = f"{method} {path.partition('?')[0]} answered {reply.status}{': ' + said if said else ''}"
    if reply.status >= 500 or reply.status == 429 or (reply.status == 403 and "rate limit" in said.lower()):
        raise Unavailable("git_host_unreachable", f"GitHub: {where}.", hint="It is tried again.")
    if reply.status in {401, 403, 404}:
        raise Denied("git_host_refused", f"GitHub: {where}.",
                     hint="The token, or the app, needs access to the repository: statuses, deployments and webhooks.")  # fmt: skip
    raise Invalid("git_host_rejected", f"GitHub: {where}.")
