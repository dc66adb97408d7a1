"""The transport and the API client against a real server."""

import io
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from canonry.client.api import Api
from canonry.client.credentials import Credentials
from canonry.client.errors import from_answer
from canonry.client.transport import Transport, Upload
from canonry.core.errors import CanonryError, Invalid, Limited, TooLarge, Unauthenticated, Unavailable
from canonry.core.secret import Secret
from tests.support.api_server import TOKEN, ApiServer


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        yield running


@pytest.fixture
def api(server: ApiServer) -> Api:
    return Api(Credentials(server.url, Secret(TOKEN)))


def test_the_token_and_the_version_are_sent(api: Api, server: ApiServer) -> None:
    assert api.me()["account"]["handle"] == "ada"
    headers = server.requests[0].headers
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["User-Agent"].startswith("canonry/")


def test_all_pages_of_a_list_are_read_but_not_more_than_asked(api: Api, server: ApiServer) -> None:
    for number in range(230):
        server.add_project(f"p{number:03}")
    assert len(api.list_projects()) == 230
    assert [item.query["limit"] for item in server.requests] == ["100", "100", "100"]
    server.requests.clear()
    assert len(api.list_projects(130)) == 130
    assert [item.query["limit"] for item in server.requests] == ["100", "30"]


def test_what_is_put_into_a_path_stays_one_part_of_it(api: Api, server: ApiServer) -> None:
    with pytest.raises(CanonryError):
        api.get_project("../me?x=1#y")
    assert server.requests[0].path == "/v1/projects/..%2Fme%3Fx%3D1%23y"


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "http://x:99999", "http://x:y", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="not the address of a Canonry"):
        Transport(url, None)


def test_an_address_needs_no_scheme_and_may_have_a_path(server: ApiServer) -> None:
    assert Transport("localhost:8080", None).url == "http://localhost:8080"
    with pytest.raises(Unauthenticated):
        Transport(f"{server.url}/inner/", None).send("GET", "/v1/me")
    assert server.requests[0].path == "/inner/v1/me"


def test_a_server_that_comes_up_a_moment_later_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n" + b'{"up": true}'

    def serve() -> None:
        time.sleep(0.2)
        with socket.create_server(("127.0.0.1", port)) as late:
            connection, _ = late.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    assert Transport(f"http://127.0.0.1:{port}", None).send("GET", "/") == {"up": True}
    thread.join()


def test_a_connection_that_breaks_is_not_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as breaking:
        seen: list[bytes] = []

        def serve() -> None:
            connection, _ = breaking.accept()
            with connection:
                seen.append(connection.recv(65536))

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(Unavailable, match="broke") as caught:
            Transport(f"http://127.0.0.1:{breaking.getsockname()[1]}", None).send("POST", "/v1/projects", document={"name": "x"})
        thread.join()
    assert caught.value.code == "connection_broken"
    assert len(seen) == 1


def test_silence_ends_a_stream() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = Transport(f"http://127.0.0.1:{silent.getsockname()[1]}", None)
        with pytest.raises(Unavailable, match="took too long"), transport.events("GET", "/", silence=0.2):
            pass


def test_the_answer_to_an_upload_is_read_even_when_the_server_stops_listening() -> None:
    answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 46\r\n\r\n" + b'{"error": "archive_too_large", "message": "m"}'
    with socket.create_server(("127.0.0.1", 0)) as refusing:

        def serve() -> None:
            connection, _ = refusing.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                time.sleep(0.3)

        thread = threading.Thread(target=serve)
        thread.start()
        size = 40_000_000
        upload = Upload(io.BytesIO(bytes(size)), size, "source.tar.gz", lambda _: None)
        with pytest.raises(TooLarge) as caught:
            Transport(f"http://127.0.0.1:{refusing.getsockname()[1]}", None, timeout=10).send("POST", "/upload", upload=upload)
        thread.join()
    assert caught.value.code == "archive_too_large"


def test_a_redirect_is_not_followed_but_explained() -> None:
    with socket.create_server(("127.0.0.1", 0)) as moved:

        def serve() -> None:
            connection, _ = moved.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 308 Moved\r\nLocation: https://x.example/v1/me\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(Invalid, match=r"sends on to https://x\.example"):
            Transport(f"http://127.0.0.1:{moved.getsockname()[1]}", Secret("cnr_x")).send("GET", "/v1/me")
        thread.join()


def test_a_limit_says_when_again(api: Api, server: ApiServer) -> None:
    server.refusals["/v1/me"] = (429, {"error": "rate_limited", "message": "Too fast."})
    with pytest.raises(Limited) as caught:
        api.me()
    assert (caught.value.retry_after, caught.value.hint) == (7, "Try again in 7 s.")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b'{"error": 1}', b"\xff"])
def test_an_answer_that_is_no_envelope_is_still_an_error_of_the_tree(body: bytes) -> None:
    assert from_answer(404, body, "http://x").code == "not_canonry"
    assert from_answer(502, body, "http://x").code == "canonry_unavailable"


def test_a_bug_of_the_server_names_the_request(api: Api, server: ApiServer) -> None:
    server.refusals["/v1/me"] = (500, {"error": "internal_error", "message": "Something failed.", "request_id": "req_77"})
    with pytest.raises(CanonryError, match="req_77"):
        api.me()
