"""A small real GitHub API: an app, installations and their tokens, statuses, deployments, webhooks. It checks what it is sent."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

APP_ID = "4711"
TOKEN = "github_pat_good"
_STATUS = {"error", "failure", "pending", "success"}
_DEPLOYMENT_STATUS = {"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}


@dataclass
class FakeGitHub:
    """State of the server. repositories: those that the token, or the app, may act on.

    people: token of a person → repositories they see → whether they may push. down: answers 502 to everything.
    """

    url: str = ""
    repositories: set[str] = field(default_factory=lambda: {"acme/shop"})
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    statuses: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    deployments: dict[int, dict[str, Any]] = field(default_factory=dict)
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    issued: list[str] = field(default_factory=list)
    people: dict[str, dict[str, bool]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    lifetime: timedelta = timedelta(hours=1)
    down: bool = False

    def write_key(self, path: Path) -> Path:
        """Write the app's private key as GitHub gives it out."""
        path.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        return path

    def states(self, commit: str) -> dict[str, str]:
        """Return context → state of a commit, as its page shows it."""
        return {body["context"]: body["state"] for _, sha, body in self.statuses if sha == commit}

    def answer(self, method: str, path: str, authorization: str, body: Any) -> tuple[int, Any]:  # noqa: ANN401 -- JSON
        """Answer one request."""
        self.asked.append(f"{method} {path}")
        if self.down:
            return 502, {"message": "Bad Gateway"}
        token = authorization.removeprefix("Bearer ")
        if found := re.fullmatch(r"/repos/([^/]+/[^/]+)/installation", path):
            return (200, {"id": 99}) if self._is_app(token) and found[1] in self.repositories else (404, {"message": "Not Found"})
        if path == "/app/installations/99/access_tokens" and self._is_app(token):
            self.issued.append(f"ghs_{len(self.issued)}")
            return 201, {"token": self.issued[-1], "expires_at": (datetime.now(UTC) + self.lifetime).isoformat().replace("+00:00", "Z")}
        if token in self.people and (found := re.fullmatch(r"/repos/([^/]+/[^/]+)", path)):
            rights = self.people[token].get(found[1])
            if rights is None:
                return 404, {"message": "Not Found"}
            return 200, {"full_name": found[1], "permissions": {"admin": False, "push": rights, "pull": True}}
        found = re.fullmatch(r"/repos/([^/]+/[^/]+)/(.*)", path)
        if token not in {TOKEN, *self.issued}:
            return 401, {"message": "Bad credentials"}
        if found is None or found[1] not in self.repositories:
            return 404, {"message": "Not Found"}
        return self._act(method, found[1], found[2], body)

    def _is_app(self, token: str) -> bool:
        try:
            claims = jwt.decode(token, self.key.public_key(), algorithms=["RS256"])
        except jwt.PyJWTError:
            return False
        return bool(claims["iss"] == APP_ID and claims["exp"] - claims["iat"] <= 660)

    def _act(self, method: str, name: str, rest: str, body: Any) -> tuple[int, Any]:  # noqa: ANN401 -- JSON
        if method == "POST" and (found := re.fullmatch(r"statuses/([0-9a-f]{40})", rest)):
            if body["state"] not in _STATUS or len(body["description"]) > 140:
                return 422, {"message": "Validation Failed"}
            self.statuses.append((name, found[1], body))
            return 201, {"id": 1}
        if method == "POST" and rest == "deployments":
            number = len(self.deployments) + 1
            self.deployments[number] = {**body, "statuses": []}
            return 201, {"id": number}
        if method == "POST" and (found := re.fullmatch(r"deployments/(\d+)/statuses", rest)):
            if body["state"] not in _DEPLOYMENT_STATUS:
                return 422, {"message": "Validation Failed"}
            self.deployments[int(found[1])]["statuses"].append(body)
            return 201, {"id": 1}
        return self._hook(method, rest, body)

    def _hook(self, method: str, rest: str, body: Any) -> tuple[int, Any]:  # noqa: ANN401 -- JSON
        if method == "GET" and rest.startswith("hooks"):
            return 200, [{"id": number, "config": {"url": hook["config"]["url"]}} for number, hook in self.hooks.items()]
        if method == "POST" and rest == "hooks":
            self.hooks[len(self.hooks) + 1] = body
            return 201, {"id": len(self.hooks)}
        if method == "PATCH" and (found := re.fullmatch(r"hooks/(\d+)", rest)):
            self.hooks[int(found[1])] = body
            return 200, {}
        return 404, {"message": "Not Found"}


@contextmanager
def fake_github() -> Iterator[FakeGitHub]:
    """Serve it on a port of this machine."""
    github = FakeGitHub()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            status, document = github.answer(
                self.command, self.path, self.headers.get("Authorization", ""), json.loads(raw) if raw else None
            )
            payload = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815 -- the names that http.server calls

        def log_message(self, *_arguments: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)
