"""What every request passes through, before routing and around errors. Plain ASGI, so that streams stay streams.

In: an id, the path of today for one of yesterday (`/projects` is `/v1/projects`), GET for HEAD. Out: the id, the rate-limit headers, the
security headers, no body for HEAD.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Set as AbstractSet

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from canonry.core.errors import Limited
from canonry.http.errors import envelope
from canonry.http.headers import secure
from canonry.http.ratelimit import caller_of, limiter_of


class Conventions:
    """Wraps the whole application. aliases: how paths begin (one or two parts) that are served under /v1 and without it."""

    def __init__(self, app: ASGIApp, aliases: AbstractSet[str]) -> None:
        self._app = app
        self._aliases = aliases

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = f"req_{secrets.token_hex(6)}"
        parts = scope["path"].split("/", 3)[1:3]
        if not self._aliases.isdisjoint(("/".join(parts[:1]), "/".join(parts))):
            scope["path"], scope["raw_path"] = "/v1" + scope["path"], b"/v1" + scope.get("raw_path", b"")
        if scope["method"] == "HEAD":
            await self._head(scope, receive, send)
        else:
            await self._app(scope, receive, _Answering(scope, send))

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as GET would, without the body; what would go on writing one (a stream) is ended."""
        told = asyncio.Event()

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
            elif not told.is_set():
                told.set()
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        scope["method"] = "GET"
        answering = asyncio.create_task(self._as_coroutine(scope, receive, _Answering(scope, send_head)))
        waiting = asyncio.create_task(told.wait())
        await asyncio.wait({answering, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answering

    async def _as_coroutine(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class _Answering:
    """Sends an answer with the headers that every one has; what nobody counted before (nothing is there) is counted here."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        if self._replaced:  # the rest of an answer that was not sent
            return
        if message["type"] == "http.response.start":
            if "rate" not in self._scope and (refusal := await run_in_threadpool(_count, self._scope)) is not None:
                await refusal(self._scope, _no_body, self._start_or_body)
                self._replaced = True
                return
            self._complete(message)
        await self._send(message)

    async def _start_or_body(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._complete(message)
        await self._send(message)

    def _complete(self, message: Message) -> None:
        headers = list(message["headers"])
        headers.append((b"x-request-id", self._scope["request_id"].encode()))
        if verdict := self._scope.get("rate"):
            headers.extend(verdict.headers())
        secure(headers, https=self._scope["scheme"] == "https")
        message["headers"] = headers


def _count(scope: Scope) -> JSONResponse | None:
    """Count a request that no route has counted; return the refusal when it was one too many."""
    request = Request(scope)
    limiter = limiter_of(request)
    try:
        limiter.count(request, caller_of(request) if limiter.asks_who(request) else None)
    except Limited as error:
        return JSONResponse(
            envelope(request, error.code, error.message, hint=error.hint), 429, {"Retry-After": str(error.retry_after or 1)}
        )
    return None


async def _no_body() -> Message:
    return {"type": "http.disconnect"}
