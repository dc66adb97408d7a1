"""A GitHub for tests: a real HTTP server that knows a few people, gives codes and tokens, and remembers what it was asked."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT_ID = "Iv1.canonry"
CLIENT_SECRET = "the secret that GitHub gave"
TOKEN = "gho_a-token-of-grace"


@dataclass(frozen=True)
class Asked:
    """One request as it came. fields: of a form, or of JSON."""

    method: str
    path: str
    headers: Mapping[str, str]
    fields: Mapping[str, Any]


@dataclass
class FakeGitHub:
    """Use as a context manager; `url` is both its site and its API. What it answers is set on its fields.

    user: whose the tokens are. refuses: answer the exchange of a code with an error. down: answer everything with 503.
    """

    user: dict[str, Any] = field(default_factory=lambda: {"id": 4711, "login": "grace", "name": "Grace Hopper"})
    refuses: bool = False
    down: bool = False
    asked: list[Asked] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def authorize(self, url: str) -> str:
        """Say yes on the consent page at `url`; return where the browser is sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert urlsplit(url).path == "/login/oauth/authorize"
        assert query["client_id"] == CLIENT_ID
        code = secrets.token_hex(10)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Answer one request."""
        if self.down:
            return 503, {"message": "Service unavailable"}
        if asked.path == "/login/oauth/access_token":
            return 200, self._exchange(asked.fields)
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        return (200, self.user) if asked.path == "/user" else (404, {"message": "Not Found"})

    def _exchange(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        query = self.codes.pop(str(fields.get("code")), None)
        known = query is not None and (fields.get("client_id"), fields.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        digest = hashlib.sha256(str(fields.get("code_verifier")).encode()).digest()
        if query is None or self.refuses or not known or base64.urlsafe_b64encode(digest).decode().rstrip("=") != query["code_challenge"]:
            return {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}
        return {"access_token": TOKEN, "scope": query["scope"], "token_type": "bearer"}


def _handler_of(github: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
            fields = {name: values[0] for name, values in parse_qs(body).items()} if is_form else json.loads(body or "{}")
            asked = Asked(self.command, urlsplit(self.path).path, headers, fields)
            github.asked.append(asked)
            status, document = github.answer(asked)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 -- the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    return Handler
