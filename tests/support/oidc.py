"""Two OpenID providers for tests: the one of a package, as a process of its own, and one that does what a test tells it to."""

import base64
import hashlib
import json
import os
import secrets
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.canonry import free_port

CLIENT_ID = "canonry"
CLIENT_SECRET = "the secret of the client"
GRACE: dict[str, Any] = {"sub": "u1", "email": "grace@example.com", "email_verified": True, "name": "Grace"}
_ENDPOINTS = ("authorization", "token", "userinfo", "device_authorization")
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """Return a key; the same for the same name, because making one takes long."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@contextmanager
def provider_process(port: int, **claims: object) -> Iterator[str]:
    """Start the package's provider with one person; give its issuer. claims: of that person, `sub` among them."""
    command = [
        sys.executable,
        "-m",
        "oidc_provider_mock",
        "--port",
        str(port),
        "--require-nonce",
        "true",
        "--user-claims",
        json.dumps(claims),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONWARNINGS": "ignore"}
    )
    issuer = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{issuer}/.well-known/openid-configuration")
        yield issuer
    finally:
        process.terminate()
        process.wait(60)


def consent(authorize_url: str, subject: str, *, deny: bool = False) -> str:
    """Do what a person does on the provider's page; return the address that the browser is sent back to."""
    fields = {"action": "deny"} if deny else {"sub": subject}
    request = urllib.request.Request(authorize_url, urlencode(fields).encode(), method="POST")
    try:
        urllib.request.build_opener(_Still).open(request, timeout=10)
    except urllib.error.HTTPError as answer:
        answer.close()
        return str(answer.headers["Location"])
    raise AssertionError("the provider did not send the browser back")


class _Still(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                answer.read()
        except OSError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.05)
        else:
            return


@dataclass
class ScriptedProvider:
    """A provider in a thread, over HTTP. Use as a context manager; `issuer` is where it answers.

    claims: of whoever signs in. changes: to the claims of the next tokens (None leaves one out). algorithm, key: what they are signed with;
    `key_id` stands in their head. requests: what came to the token endpoint. device: what a device sign-in answers with next.
    metadata: changes to the discovery document.
    """

    claims: dict[str, Any] = field(
        default_factory=lambda: {"sub": "u1", "email": "grace@example.com", "email_verified": True, "name": "Grace"}
    )
    changes: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key: Any = None
    key_id: str = "first"
    device: dict[str, Any] = field(default_factory=lambda: {"error": "authorization_pending"})
    requests: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.rotate("first")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def rotate(self, key_id: str) -> None:
        """Sign with a new key from now on, and publish only that one."""
        self.key, self.key_id = rsa_key(key_id), key_id
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        self.published = [{**public, "kid": key_id, "use": "sig"}]

    def authorize(self, url: str) -> str:
        """Sign somebody in at the address of an authorization request; return where the browser is sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, **claims: object) -> str:
        """Return a token of this provider with its usual claims, and these; None leaves one out."""
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, **self.claims, **claims, **self.changes}
        kept = {name: value for name, value in usual.items() if value is not None}
        return jwt.encode(kept, self.key, algorithm=self.algorithm, headers={"kid": self.key_id})

    def answer(self, path: str, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer one request."""
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            places = {
                f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token", "userinfo", "device_authorization")
            }
            return 200, {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **places, **self.metadata}
        if path == "/keys":
            return 200, {"keys": self.published}
        if path == "/userinfo":
            return 200, self.claims
        if path == "/device_authorization":
            return 200, {"device_code": "device-1", "user_code": "WDJB-MJHT", "verification_uri": f"{self.issuer}/device", "interval": 5}
        self.requests.append(fields)
        if fields.get("grant_type") == _DEVICE:
            return (400, self.device) if "error" in self.device else (200, {"id_token": self.token(), "access_token": "at"})
        query = self.codes.pop(fields.get("code", ""), None)
        if query is None or not _proves(fields.get("code_verifier", ""), query["code_challenge"]):
            return 400, {"error": "invalid_grant"}
        return 200, {"id_token": self.token(nonce=query["nonce"]), "access_token": "at"}


def _proves(verifier: str, challenge: str) -> bool:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode() == challenge


def _handler_of(provider: ScriptedProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(*provider.answer(urlsplit(self.path).path, {}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            fields = {name: values[0] for name, values in parse_qs(body).items()}
            fields |= {"authorization": self.headers.get("Authorization", "")}
            self._reply(*provider.answer(urlsplit(self.path).path, fields))

        def _reply(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


__all__ = ["CLIENT_ID", "CLIENT_SECRET", "ScriptedProvider", "consent", "free_port", "provider_process"]
