"""Smart HTTP for the repositories that Canonry hosts: clone, fetch, push."""

import asyncio
import binascii
import contextlib
import os
from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from canonry.core.errors import CanonryError, NotFound
from canonry.core.origin import current_origin
from canonry.core.secret import Secret
from canonry.features.git import service
from canonry.features.git.hosted import hold_for_push
from canonry.features.git.http_backend import ClientGone, Exchange, serve
from canonry.features.git.sharing.service import is_shared
from canonry.http.bodies import Bodies
from canonry.http.deps import Services, ServicesDep
from canonry.http.errors import status_of
from canonry.http.gate import origin_of
from canonry.http.routing import PUBLIC, Routes

router = Routes(tags=["Git"], bodies=Bodies.RAW)

_READ, _PUSH = "git-upload-pack", "git-receive-pack"
_LINGER = 10.0  # seconds for a push whose client left after the last byte: enough to start the deployment

# PUBLIC, because git logs in with HTTP Basic and wants its own kind of 401; `service.identify` is the gate.


@router.operation("GET", "/git/{handle}/{name}/info/refs", PUBLIC, include_in_schema=False)
def list_refs(
    request: Request, services: ServicesDep, handle: str, name: str, wanted: Annotated[str, Query(alias="service")] = ""
) -> Response:
    """Say which branches and tags there are, before a fetch or a push."""
    return _serve(request, services, handle, name, wanted)


@router.operation("POST", "/git/{handle}/{name}/{wanted}", PUBLIC, include_in_schema=False)
def exchange_packs(request: Request, services: ServicesDep, handle: str, name: str, wanted: str) -> Response:
    """Send what the caller lacks (git-upload-pack), or take what they push (git-receive-pack)."""
    return _serve(request, services, handle, name, wanted)


def _serve(request: Request, services: Services, handle: str, name: str, wanted: str) -> Response:
    """Find out who calls and what they may do, then let git answer."""
    pushing = wanted == _PUSH
    try:
        if wanted not in {_READ, _PUSH}:
            raise NotFound("smart_http_only", "This address speaks git's smart HTTP only.", hint="Use git 1.6.6 or newer.")
        credential = _credential(request.headers.get("authorization", ""))
        actor = service.identify(services.ports.identity, credential)
        current_origin.set(origin_of(request, actor))
        slug = name.removesuffix(".git")
        with services.transactions.begin() as tx:
            if pushing:
                served = service.find_to_push(tx, actor, services.home, services.ports.limits, handle, slug)
                shared = is_shared(tx, served.id)
            else:
                served, shared = service.find_to_read(tx, actor, services.home, handle, slug), False
        push = service.Push(credential, current_origin.get().address) if pushing and credential is not None else None
        most = service.push_limit(services.home, served, services.settings, services.ports.build_room) if push is not None else 0
        serving = service.prepare(services.home, served, push, most, is_shared=shared)
    except CanonryError as error:
        return _refusal(error)
    return _GitResponse(serving, actor.organization_handle, pushing=pushing)


def _credential(header: str) -> Secret | None:
    """Return the password of HTTP Basic, or the token of Bearer."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return Secret(value.strip())
    if scheme.lower() != "basic":
        return None
    try:
        _, _, password = b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Secret(password) if password else None


def _refusal(error: CanonryError) -> Response:
    """Answer in plain text: git shows it to the person as `remote: ...`."""
    status = status_of(error)
    headers = {"WWW-Authenticate": 'Basic realm="Canonry: any user, token as password", charset="UTF-8"'} if status == 401 else {}
    return PlainTextResponse(f"{error.message}\n{error.hint}".strip() + "\n", status, headers)


class _GitResponse(Response):
    """The answer of `git http-backend`, which also reads the request's body."""

    def __init__(self, serving: service.Serving, user: str, *, pushing: bool) -> None:
        super().__init__()
        self._serving = serving
        self._user = user
        self._pushing = pushing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let git answer; a push holds the repository meanwhile."""
        repository = self._serving.repository
        held = await asyncio.to_thread(hold_for_push, repository) if self._pushing else None
        try:
            client = _AsgiClient(receive, send)
            await serve(self._exchange(scope, held), client)
            with contextlib.suppress(ClientGone):
                await client.finish()
        finally:
            if held is not None:
                os.close(held)

    def _exchange(self, scope: Scope, held: int | None) -> Exchange:
        path: str = scope["path"]
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        return Exchange(
            repository=self._serving.repository,
            method=scope["method"],
            path="/info/refs" if path.endswith("/info/refs") else path[path.rindex("/") :],
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            user=self._user,
            config=self._serving.config,
            environment=self._serving.environment,
            linger=_LINGER if self._pushing else 0,
            held=held,
        )


class _AsgiClient:
    """The other side of the request, as ASGI messages."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._ended = False
        self._told = False
        self._started = False

    async def receive(self) -> bytes | None:
        """Return the next piece of the body, None at its end; after that, wait until the client goes. Raises: ClientGone."""
        if self._ended and not self._told:
            self._told = True
            return None
        if self._ended:
            while (await self._receive())["type"] != "http.disconnect":
                pass
            raise ClientGone
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        self._ended = not message.get("more_body", False)
        return piece

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin the answer. Raises: ClientGone."""
        self._started = True
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._out({"type": "http.response.start", "status": status, "headers": pairs})

    async def send(self, piece: bytes) -> None:
        """Send a piece of the answer's body. Raises: ClientGone."""
        await self._out({"type": "http.response.body", "body": piece, "more_body": True})

    async def finish(self) -> None:
        """End the answer, when it has begun."""
        if self._started:
            await self._out({"type": "http.response.body", "body": b"", "more_body": False})

    async def _out(self, message: dict[str, object]) -> None:
        try:
            await self._send(message)
        except OSError as error:
            raise ClientGone from error
