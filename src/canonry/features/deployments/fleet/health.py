"""Is an instance healthy? An HTTP answer says so; an accepted connection is not enough."""

import http.client
import socket

import psutil

from canonry.ports.runtime import InstanceState

_DEFAULT_PATH = "/"
_HEADERS = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "127.0.0.1",
    "User-Agent": "Canonry-Health/1",
    "Accept": "*/*",
    "Connection": "close",
}


def check(address: str | None, host: str, path: str, *, timeout: float) -> str:
    """Return an empty string when the instance is healthy, else what is wrong, as half a sentence.

    GET `path` with `Host` and `X-Forwarded-Proto: https` (apps that force HTTPS or filter hosts would refuse a bare probe).
    Healthy: any status below 500 on the default path `/`, 2xx on a configured one. timeout: seconds for the whole check.
    """
    if address is None:
        return "it has no port"
    name, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(name, int(port), timeout=timeout)
    try:
        connection.request("GET", path, headers={"Host": host, **_HEADERS})
        status = connection.getresponse().status
    except ConnectionRefusedError:
        return f"nothing listens on port {port} ($PORT)"
    except TimeoutError:
        return f"GET {path} on port {port} gave no answer within {timeout:.0f} s"
    except (OSError, http.client.HTTPException) as error:
        return f"GET {path} on port {port} failed: {type(error).__name__}"
    finally:
        connection.close()
    healthy = status < 500 if path == _DEFAULT_PATH else 200 <= status < 300
    return "" if healthy else f"GET {path} answered {status}"


def listening_elsewhere(state: InstanceState) -> str:
    """Return a hint when the instance listens, but not on the port it was given; empty when there is nothing to say."""
    if state.pid is None or state.address is None:
        return ""
    wanted = int(state.address.rpartition(":")[2])
    try:
        root = psutil.Process(state.pid)
        ports = {
            connection.laddr.port
            for process in [root, *root.children(recursive=True)]
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN and connection.type == socket.SOCK_STREAM
        }
    except psutil.Error:
        return ""
    if not ports or wanted in ports:
        return ""
    return f"The app listens on port {', '.join(map(str, sorted(ports)))}; it must listen on $PORT, which is {wanted}."
