"""Canonry's ear for the proxy: a thread that hears which database a client waits for, and has it started."""

import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_LOG = logging.getLogger(__name__)
_AT_ONCE = 4  # databases that are started at the same time


class Ear:
    """address: where the proxy sends to. wake(id): starts a database; it may raise anything."""

    def __init__(self, address: Path, wake: Callable[[str], object]) -> None:
        self._address, self._wake = address, wake
        address.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(address))
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="wake-database")
        self._thread = threading.Thread(target=self._listen, name="hear-databases", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hear no more; returns when nothing is being started."""
        self._address.unlink(missing_ok=True)  # first: from now on the proxy helps itself
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._pool.shutdown(cancel_futures=True)

    def _listen(self) -> None:
        while message := self._socket.recv(200):
            self._pool.submit(self._start, message.decode(errors="replace").strip())

    def _start(self, cluster_id: str) -> None:
        try:
            self._wake(cluster_id)
        except Exception:  # noqa: BLE001 -- an edge: the next client tries again
            _LOG.exception("database %s, which a client waits for, does not start", cluster_id)
