"""`Idempotency-Key`: the same POST twice is carried out once.

The same key with the same request gets the same answer again, with `Idempotency-Replayed: true` and the request id of the first; with
another one 409. So it is with another credential of the same user: an answer may hold a secret that a narrower one must not get to. Kept
for 24 hours, for one user in one organization. What is kept is an answer that says what was done or why not; of a request that was not
valid, met a fault or was too much, nothing is kept: it may come again. When Canonry is killed in the middle, what a request had
committed is not done a second time, unless that does no harm (`repeatable` in http/routing.py). Streams take no key: what they tell
cannot be told again. Operations that anybody may call take none either: nobody is known to whom it could belong.
"""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Message

from canonry.core.access import Actor
from canonry.core.errors import CanonryError, Invalid, Issue
from canonry.http.deps import Services, services_of
from canonry.http.errors import answer_to
from canonry.infra import idempotency
from canonry.infra.idempotency import Reservation, Stored
from canonry.infra.tx import on_effect

_log = logging.getLogger(__name__)
HEADER = "Idempotency-Key"
_LONGEST = 255
_NOT_KEPT = frozenset({400, 413, 415, 422, 429})
_LEASE, _RENEWED = timedelta(seconds=30), 10.0  # whoever is killed leaves a key behind that is held for so long; seconds between renewals

type _Handle = Callable[[Request], Awaitable[Response]]


async def once(request: Request, actor: Actor, handle: _Handle, *, streams: bool, archive: bool, repeatable: bool) -> Response:
    """Carry out a request, unless it has been carried out before.

    archive: its body may be too large to be held in memory. repeatable: see http/routing.py.
    Raises: what `handle` raises; Invalid `invalid_idempotency_key`, `idempotency_not_supported`; Conflict.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST":
        return await handle(request)
    _check(key, streams=streams)
    body = _Hashed(request)
    early = None if archive else await body.whole()
    wanted = f"POST {request.scope['path']} by {actor.credential} {actor.credential_id}"
    held = Reservation(actor, key, wanted, body.digest, str(request.scope["request_id"]))
    services = services_of(request)
    stored = await run_in_threadpool(
        idempotency.reserve, services.transactions, services.vault, held, lease=_LEASE, early=early, repeatable=repeatable
    )
    if stored is not None:
        if early is None and await body.whole() != stored.digest:
            raise idempotency.reused()
        return _again(request, stored)
    return await _carry_out(body.request, held, handle, body)


async def _carry_out(request: Request, held: Reservation, handle: _Handle, body: "_Hashed") -> Response:
    services, response = services_of(request), None
    idempotency.current.set(held)
    on_effect.set(partial(idempotency.note_effect, held=held))
    alive = asyncio.create_task(_renew(services, held))
    try:
        try:
            response = await handle(request)
        except CanonryError as error:
            response = answer_to(request, error)
        if held.is_finished:
            return response
        if response.status_code < 500 and response.status_code not in _NOT_KEPT and not isinstance(response, StreamingResponse):
            await body.whole()
            await run_in_threadpool(_finish, services, held, response.status_code, bytes(response.body))
        return response
    finally:
        alive.cancel()
        if not held.is_finished:
            await run_in_threadpool(_release, services, held)


async def _renew(services: Services, held: Reservation) -> None:
    while True:
        await asyncio.sleep(_RENEWED)
        try:
            await run_in_threadpool(idempotency.renew, services.transactions, held, lease=_LEASE)
        except CanonryError as error:  # the next one may come through
            _log.warning("an Idempotency-Key could not be renewed: %s", error.message)


def _finish(services: Services, held: Reservation, status: int, body: bytes) -> None:
    with services.transactions.begin() as tx:
        idempotency.finish(tx, services.vault, held, status, body)


def _release(services: Services, held: Reservation) -> None:
    with services.transactions.begin() as tx:
        idempotency.release(tx, held)


def _check(key: str, *, streams: bool) -> None:
    if streams:
        raise Invalid("idempotency_not_supported", "A stream cannot be told again, so this takes no Idempotency-Key.",
                      hint="Leave the header out, or use the operation that does not stream.",
                      issues=[Issue("header.idempotency-key", "not taken here", "not_supported")])  # fmt: skip
    if not 1 <= len(key) <= _LONGEST or not key.isascii() or not key.isprintable():
        raise Invalid("invalid_idempotency_key", f"An Idempotency-Key has 1 to {_LONGEST} printable ASCII characters.",
                      hint="Use a UUID.", issues=[Issue("header.idempotency-key", f"1 to {_LONGEST} characters", "length")])  # fmt: skip


def _again(request: Request, stored: Stored) -> Response:
    request.scope["request_id"] = stored.request_id
    kind = "application/json" if stored.body else None
    return Response(stored.body, stored.status, {"Idempotency-Replayed": "true"}, media_type=kind)


class _Hashed:
    """A request whose body is hashed while it is read. The word that divides a form, made up anew each time, does not count."""

    def __init__(self, request: Request) -> None:
        kind, _, boundary = request.headers.get("content-type", "").partition("boundary=")
        self._boundary = boundary.strip('"').encode() if kind.startswith("multipart/") else b""
        key = services_of(request).vault.key_for("idempotency")  # bodies hold secrets: nobody may try values out on what is stored
        self._hash = hmac.new(key, f"{request.scope.get('query_string', b'').decode('latin-1')}\0".encode(), hashlib.sha256)
        self._tail = b""
        self._ended = False
        self._original = request
        self.request = Request(request.scope, self._receive)

    async def whole(self) -> bytes:
        """Read what is left of the body and return its digest; of a small body (not an archive) it can be read again afterwards."""
        if not self._ended:
            await self.request.body()
        return self.digest()

    def digest(self) -> bytes:
        """Return the digest of what was read."""
        done = self._hash.copy()
        done.update(self._tail)
        return done.digest()

    async def _receive(self) -> Message:
        message = await self._original.receive()
        if message["type"] == "http.request":
            self._tail += message.get("body", b"")
            self._ended = not message.get("more_body", False)
            if self._boundary:
                self._tail = self._tail.replace(self._boundary, b"")
            keep = max(0, len(self._boundary) - 1)
            cut = len(self._tail) - keep
            if cut > 0:
                self._hash.update(self._tail[:cut])
                self._tail = self._tail[cut:]
        return message
