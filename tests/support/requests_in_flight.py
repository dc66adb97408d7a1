"""Somebody who keeps asking a site while something happens to it, and counts what goes wrong."""

import http.client
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self


@dataclass
class Visitor:
    """Asks `http://<host>` on 127.0.0.1:port again and again, half on fresh connections and half on one that is kept open.

    A kept connection that the server closed before any byte of an answer is opened again once, as RFC 9110 9.2.2 lets a client do for GET.
    """

    port: int
    host: str
    every: float = 0.01
    allowed: frozenset[int] = frozenset({200})
    seen: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        """Make what is needed to stop."""
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._visit, args=(kept,), daemon=True) for kept in (False, True)]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, kept: bool) -> None:
        connection = self._connect()
        while not self._stop.is_set():
            try:
                status, text = self._ask(connection)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                connection = self._connect()
                if kept and isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
                    try:
                        status, text = self._ask(connection)
                    except (OSError, http.client.HTTPException) as again:
                        self._note(f"{again!r} after {error!r}", "")
                        continue
                else:
                    self._note(repr(error), "")
                    continue
            self._note("" if status in self.allowed else f"status {status}: {_said(text)}", text)
            if not kept:
                connection.close()
                connection = self._connect()
            time.sleep(self.every)
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)

    def _ask(self, connection: http.client.HTTPConnection) -> tuple[int, str]:
        connection.request("GET", "/", headers={"Host": f"{self.host}:{self.port}"})
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")

    def _note(self, wrong: str, text: str) -> None:
        with self._lock:
            self.asked += 1
            if wrong:
                self.wrong.append(f"{datetime.now(UTC):%H:%M:%S.%f} {wrong}")  # the time, to find it in the logs
            else:
                word = text.split(" born=", maxsplit=1)[0]
                self.seen[word] = self.seen.get(word, 0) + 1


def _said(text: str) -> str:
    """Return the title of a page, else the beginning of what was answered."""
    title = re.search(r"<title>(.*?)</title>", text)
    return title[1] if title else text[:80]
