"""The little we ask Caddy's admin API, over its unix socket."""

import http.client
import socket
from pathlib import Path


def is_ready(admin: Path) -> bool:
    """Tell whether the Caddy behind that socket has its configuration in force."""
    connection = _UnixConnection(admin)
    try:
        connection.request("GET", "/config/apps/http/grace_period")
        answer = connection.getresponse()
        return answer.status == http.client.OK and answer.read().strip() not in {b"null", b""}
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
