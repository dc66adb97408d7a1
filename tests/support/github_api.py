"""A small real GitHub: an app, installations and their tokens, statuses, deployments, webhooks, repositories. It checks what it is sent."""

import base64
import hashlib
import hmac
import json
import re
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.github_repositories import NOT_FOUND, Answer, GitHubRepository, page, serve_git

APP_ID = "4711"
TOKEN = "github_pat_good"
_STATUS = {"error", "failure", "pending", "success"}
_DEPLOYMENT_STATUS = {"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}


@dataclass
class FakeGitHub:
    """State of the server. repositories: those that the token, or the app, may act on.

    people: token of a person → repositories they see → whether they may push. down: answers 502 to everything. limited: the status with
    which it says that too much was asked. hosted: what lies in `root`, by name. moved: old name → new one. installed: number of an
    installation → its repositories.
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
    limited: int | None = None
    root: Path = Path("/nonexistent")
    hosted: dict[str, GitHubRepository] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    installed: dict[int, list[str]] = field(default_factory=lambda: {99: ["acme/shop"]})

    def host(self, name: str, files: dict[str, bytes] | None = None) -> GitHubRepository:
        """Make a repository that the token, and the app, may act on."""
        folder = self.root / f"{name}.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(folder)], check=True)
        made = self.hosted[name] = GitHubRepository(name, 1000 + len(self.hosted), folder)
        self.repositories.add(name)
        if files:
            made.commit(dict(files), "Begin")
        return made

    def write_key(self, path: Path) -> Path:
        """Write the app's private key as GitHub gives it out."""
        path.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        return path

    def states(self, commit: str) -> dict[str, str]:
        """Return context → state of a commit, as its page shows it."""
        return {body["context"]: body["state"] for _, sha, body in self.statuses if sha == commit}

    def answer(self, method: str, path: str, authorization: str, body: Any) -> Answer:  # noqa: ANN401 -- JSON
        """Answer one request to the API."""
        self.asked.append(f"{method} {path}")
        if self.down:
            return 502, {"message": "Bad Gateway"}
        if self.limited:
            return self.limited, {"message": "You have exceeded a secondary limit"}, {"x-ratelimit-remaining": "0"}
        token = authorization.removeprefix("Bearer ")
        place = urlsplit(path)
        if self._is_app(token):
            return self._as_app(place.path)
        if place.path == "/installation/repositories" and token in self.issued:
            names = self.installed.get(99, [])
            shown = [self.hosted[name].describe(push=True) for name in names if name in self.hosted]
            return page(shown, parse_qs(place.query), lambda items: {"total_count": len(shown), "repositories": items})
        found = re.fullmatch(r"/repos/([^/]+/[^/]+)(?:/(.*))?", place.path)
        if token not in {TOKEN, *self.issued} and token not in self.people:
            return 401, {"message": "Bad credentials"}
        if found and found[1] in self.moved and not found[2]:
            return 301, {"message": "Moved Permanently"}, {"Location": f"{self.url}/repos/{self.moved[found[1]]}"}
        rights = self._rights(token, found[1]) if found else None
        if found is None or rights is None:
            return NOT_FOUND
        return self._below(method, found[1], found[2] or "", place.query, body, token, push=rights)

    def _below(self, method: str, name: str, rest: str, query: str, body: Any, token: str, *, push: bool) -> Answer:  # noqa: ANN401 -- JSON
        there = self.hosted.get(name)
        if not rest and there is None:
            return 200, {"full_name": name, "permissions": {"admin": False, "push": push, "pull": True}}
        if there is not None and not rest:
            return 200, there.describe(push=push)
        if there is not None and re.match(r"contents/|git/refs|pulls", rest):
            return there.answer(method, rest, query, body, "canonry[bot]" if token in self.issued else token, push=push)
        return self._act(method, name, rest, body) if token not in self.people else (403, {"message": "Resource not accessible"})

    def _rights(self, token: str, name: str) -> bool | None:
        if token in self.people:
            return self.people[token].get(name)
        return True if name in self.repositories else None

    def _as_app(self, path: str) -> Answer:
        if found := re.fullmatch(r"/repos/([^/]+/[^/]+)/installation", path):
            return (200, {"id": 99}) if found[1] in self.repositories else NOT_FOUND
        if path == "/app/installations/99/access_tokens":
            self.issued.append(f"ghs_{len(self.issued)}")
            return 201, {"token": self.issued[-1], "expires_at": (datetime.now(UTC) + self.lifetime).isoformat().replace("+00:00", "Z")}
        return NOT_FOUND

    def may_fetch(self, path: str, authorization: str) -> bool:
        """Say whether git may read a repository with these credentials."""
        name = path.removeprefix("/").partition(".git")[0]
        user_and_token = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        token = user_and_token.partition(":")[2]
        return name in self.hosted and (token in {TOKEN, *self.issued} or name in self.people.get(token, {}))

    def _is_app(self, token: str) -> bool:
        try:
            claims = jwt.decode(token, self.key.public_key(), algorithms=["RS256"])
        except jwt.PyJWTError:
            return False
        return bool(claims["iss"] == APP_ID and claims["exp"] - claims["iat"] <= 660)

    def _act(self, method: str, name: str, rest: str, body: Any) -> Answer:  # noqa: ANN401 -- JSON
        if method == "POST" and (found := re.fullmatch(r"statuses/([0-9a-f]{40})", rest)):
            if body["state"] not in _STATUS or len(body["description"]) > 140:
                return 422, {"message": "Validation Failed"}
            if name in self.hosted and not self.hosted[name].git("cat-file", "-t", found[1], check=False):
                return 422, {"message": f"No commit found for SHA: {found[1]}"}
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

    def _hook(self, method: str, rest: str, body: Any) -> Answer:  # noqa: ANN401 -- JSON
        if method == "GET" and rest.startswith("hooks"):
            return 200, [{"id": number, "config": {"url": hook["config"]["url"]}} for number, hook in self.hooks.items()]
        if method == "POST" and rest == "hooks":
            self.hooks[len(self.hooks) + 1] = body
            return 201, {"id": len(self.hooks)}
        if method == "PATCH" and (found := re.fullmatch(r"hooks/(\d+)", rest)):
            self.hooks[int(found[1])] = body
            return 200, {}
        return 404, {"message": "Not Found"}


def signed(secret: str, event: str, document: object, delivery: str = "") -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a delivery as GitHub sends it."""
    raw = json.dumps(document).encode()
    signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return raw, {
        "Content-Type": "application/json", "X-GitHub-Event": event, "X-GitHub-Delivery": delivery or secrets.token_hex(8),
        "X-Hub-Signature-256": f"sha256={signature}",
    }  # fmt: skip


@contextmanager
def fake_github(root: Path = Path("/nonexistent")) -> Iterator[FakeGitHub]:
    """Serve it on a port of this machine. root: where its repositories are kept."""
    github = FakeGitHub(root=root)

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if ".git/" in self.path:
                self.serve_git(raw)
                return
            answer = github.answer(self.command, self.path, self.headers.get("Authorization", ""), json.loads(raw) if raw else None)
            payload = b"" if answer[0] == 204 else json.dumps(answer[1]).encode()
            more = answer[2] if len(answer) == 3 else {}
            self.send(answer[0], [("Content-Type", "application/json"), *more.items()], payload)

        def serve_git(self, raw: bytes) -> None:
            if not github.may_fetch(urlsplit(self.path).path, self.headers.get("Authorization", "")):
                self.send(401, [("WWW-Authenticate", 'Basic realm="GitHub"')], b"")
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            place = urlsplit(self.path)
            self.send(*serve_git(github.root, self.command, place.path, place.query, headers, raw))

        def send(self, status: int, headers: list[tuple[str, str]], payload: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815 -- the names that http.server calls

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
