"""HTTP over the standard library: one request, or one held-open stream of events.

`http.client` and not httpx, because every remote command pays for its import: measured here, 45 ms against 230 ms, and
`canonry projects ls` may take 250 ms as a whole process.
"""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Protocol
from urllib.parse import urlencode, urlsplit

from canonry import __version__
from canonry.client.errors import from_answer
from canonry.client.sse import EventParser, ServerEvent
from canonry.core.errors import CanonryError, Invalid, Unavailable
from canonry.core.secret import Secret

type Query = Mapping[str, str | int | None]
type Document = dict[str, Any]

_CONNECT_TRIES = 3
_PIECE = 256 * 1024
_BOUNDARY = "canonry-7d1f0c8e5b2a4936"


@dataclass(frozen=True)
class Upload:
    """A file to send as the multipart field `file`. sent: called with the number of bytes sent so far."""

    file: IO[bytes]
    size: int
    name: str
    sent: Callable[[int], None]


class Tokens(Protocol):
    """Where the token comes from when it does not last: `client/renewal.py`."""

    def fresh(self) -> Secret:
        """Return a token that is good for a while."""
        ...

    def instead_of(self, refused: Secret) -> Secret | None:
        """Return another token when the server has refused this one; None when there is none."""
        ...


class Transport:
    """Speaks to one server. Every call opens its own connection, so that a server that restarted is no special case.

    token: sent with every request. tokens: asked for one before every request instead, and for another when the server refuses it.
    """

    def __init__(self, url: str, token: Secret | None, *, timeout: float = 60.0, tokens: Tokens | None = None) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port
        except ValueError:
            port = 0
        if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
            raise Invalid("invalid_url", f"{url!r} is not the address of a Canonry.", hint="It looks like http://localhost:8080.")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        self._secure = parts.scheme == "https"
        self._host, self._port, self._prefix = parts.hostname, port, parts.path.rstrip("/")
        self._token = token
        self._tokens = tokens
        self._timeout = timeout
        self._tls: ssl.SSLContext | None = None
        self._renewed = False

    def send(
        self, method: str, path: str, *, query: Query | None = None, document: object = None, upload: Upload | None = None,
        timeout: float | None = None,
    ) -> Document:  # fmt: skip
        """Send one request and return the JSON object of the answer, {} when it has none (204).

        Raises: the error that the server's envelope names; Unavailable when nobody answers or the connection breaks.
        """
        self._freshen()
        while True:
            connection = self._connect(timeout or self._timeout)
            try:
                answer = self._exchange(connection, method, _target(self._prefix + path, query), {}, document, upload)
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                raise _broken(self.url, error) from error
            finally:
                connection.close()
            if answer.status == 401 and self._found_another():
                if upload is not None:
                    upload.file.seek(0)
                continue
            if answer.status >= 300:
                raise self._refusal(answer, body)
            return self._parse(body)

    @contextmanager
    def events(
        self, method: str, path: str, *, query: Query | None = None, document: object = None, last_id: str = "", silence: float = 60.0
    ) -> Iterator[Iterator[ServerEvent]]:
        """Open a stream of server-sent events and hand out an iterator over them; it ends when the server closes the stream.

        last_id: the id of the last event seen, to resume after it. silence: seconds without a byte after which the stream counts as broken.
        Raises: like `send`, on opening and, when the connection breaks, while iterating.
        """
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"} | ({"Last-Event-ID": last_id} if last_id else {})
        with self._opened(method, _target(self._prefix + path, query), headers, document, silence) as answer:
            yield self._iterate(answer)

    @contextmanager
    def download(self, path: str, *, silence: float = 120.0) -> Iterator[Iterator[bytes]]:
        """Ask for a file and hand out an iterator over its pieces. silence: seconds without a byte after which it counts as broken.

        Raises: like `send`, on opening and, when it breaks off before its end, while iterating.
        """
        with self._opened("GET", self._prefix + path, {"Accept": "*/*"}, None, silence) as answer:
            yield self._received(answer)

    @contextmanager
    def _opened(
        self, method: str, target: str, headers: dict[str, str], document: object, silence: float
    ) -> Iterator[http.client.HTTPResponse]:
        """Ask, and hand out an answer whose body is still to be read; a token that has run out is renewed once."""
        self._freshen()
        while True:
            connection = self._connect(silence)
            try:
                try:
                    answer = self._exchange(connection, method, target, headers, document, None)
                    if answer.status == 401 and self._found_another():
                        continue
                    if answer.status >= 300:
                        raise self._refusal(answer, answer.read())
                except (OSError, http.client.HTTPException) as error:
                    raise _broken(self.url, error) from error
                yield answer
                return
            finally:
                connection.close()

    def _received(self, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        try:
            while piece := answer.read(_PIECE):
                yield piece
        except (OSError, http.client.HTTPException) as error:
            raise _broken(self.url, error) from error

    def _freshen(self) -> None:
        self._renewed = False
        if self._tokens is not None:
            self._token = self._tokens.fresh()

    def _found_another(self) -> bool:
        """Take another token after a refusal, once for each call."""
        if self._renewed or self._tokens is None or self._token is None:
            return False
        self._renewed = True
        another = self._tokens.instead_of(self._token)
        if another is None:
            return False
        self._token = another
        return True

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        for attempt in range(_CONNECT_TRIES):
            connection = self._connection(timeout)
            try:
                connection.connect()
            except ssl.SSLError as error:
                raise Unavailable("tls_failed", f"{self.url} does not answer over TLS: {error.reason}.",
                                  hint="Check the address and its certificate.") from error  # fmt: skip
            except OSError as error:
                connection.close()
                if attempt == _CONNECT_TRIES - 1 or not isinstance(error, ConnectionError):
                    raise _unreachable(self.url, error) from error
                time.sleep(0.1 * 3**attempt)
            else:
                return connection
        raise AssertionError  # pragma: no cover -- the last attempt returns or raises

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        self._tls = self._tls or ssl.create_default_context()
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, target: str, headers: dict[str, str], document: object,
        upload: Upload | None,
    ) -> http.client.HTTPResponse:  # fmt: skip
        sent = {"User-Agent": f"canonry/{__version__}", "Accept": "application/json", "Connection": "close", **headers}
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token.reveal()}"
        body: bytes | Iterator[bytes] | None = None
        if upload is not None:
            head, tail = _multipart(upload.name)
            sent["Content-Type"] = f"multipart/form-data; boundary={_BOUNDARY}"
            sent["Content-Length"] = str(len(head) + upload.size + len(tail))
            body = _pieces(head, upload, tail)
        elif document is not None:
            sent["Content-Type"] = "application/json"
            body = json.dumps(document).encode()
        elif method in {"POST", "PATCH", "PUT"}:
            body = b""
        try:
            connection.request(method, target, body=body, headers=sent)
        except (BrokenPipeError, ConnectionResetError):
            # A server may refuse a large upload before it has read it; its answer says why.
            if upload is None or connection.sock is None:
                raise
        return connection.getresponse()

    def _refusal(self, answer: http.client.HTTPResponse, body: bytes) -> CanonryError:
        if answer.status < 400:
            place = answer.getheader("Location", "another address")
            return Invalid("moved", f"{self.url} sends on to {place}.", hint="Use that address: canonry login --url URL.")
        return from_answer(answer.status, body, self.url, answer.getheader("Retry-After"))

    def _parse(self, body: bytes) -> Document:
        if not body.strip():
            return {}
        try:
            document = json.loads(body)
        except ValueError as error:
            raise from_answer(200, b"", self.url) from error
        return document if isinstance(document, dict) else {"value": document}

    def _iterate(self, answer: http.client.HTTPResponse) -> Iterator[ServerEvent]:
        parser = EventParser()
        while True:
            try:
                piece = answer.read1(65536)
            except (OSError, http.client.HTTPException) as error:
                raise _broken(self.url, error) from error
            if not piece:
                return
            yield from parser.feed(piece)


def _target(path: str, query: Query | None) -> str:
    chosen = {name: value for name, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(chosen)}" if chosen else path


def _multipart(name: str) -> tuple[bytes, bytes]:
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    return head.encode(), f"\r\n--{_BOUNDARY}--\r\n".encode()


def _pieces(head: bytes, upload: Upload, tail: bytes) -> Iterator[bytes]:
    yield head
    sent = 0
    while piece := upload.file.read(_PIECE):
        yield piece
        sent += len(piece)
        upload.sent(sent)
    yield tail


def _unreachable(url: str, error: OSError) -> Unavailable:
    return Unavailable("not_reachable", f"Nobody answers at {url} ({error.strerror or error}).",
                       hint="Start Canonry on this machine with: canonry up. Check the address with: canonry whoami.")  # fmt: skip


def _broken(url: str, error: Exception) -> Unavailable:
    what = "it took too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
    return Unavailable("connection_broken", f"The connection to {url} broke: {what}.",
                       hint="Try again; canonry status shows whether Canonry is running.")  # fmt: skip
