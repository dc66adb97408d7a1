"""The contract of `ports.objects.Objects`, over a folder and over a real S3 server."""

import itertools
import secrets
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from canonry.adapters.objects.folder import FolderObjects
from canonry.adapters.objects.s3 import S3Access, S3Objects
from canonry.core.errors import NotFound, Unavailable
from canonry.core.secret import Secret
from canonry.ports.objects import Objects
from tests.support.s3 import S3Server


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return FolderObjects(tmp_path / "some backups")
    server: S3Server = request.getfixturevalue("s3_server")
    return S3Objects(server.make_bucket(f"test-{secrets.token_hex(6)}"))


def content(objects: Objects, key: str) -> bytes:
    return b"".join(objects.get(key))


def test_what_is_put_can_be_read_and_found(objects: Objects) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    assert objects.put("a/b", [b"one", b"", b"two"]) == 6
    assert content(objects, "a/b") == b"onetwo"
    found = objects.find("a/b")
    assert found is not None
    assert (found.key, found.size) == ("a/b", 6)
    assert before < found.modified < datetime.now(UTC) + timedelta(seconds=2)


def test_an_empty_object_is_an_object(objects: Objects) -> None:
    assert objects.put("empty", []) == 0
    assert content(objects, "empty") == b""


def test_a_large_object_comes_back_as_it_was(objects: Objects) -> None:
    pieces = [secrets.token_bytes(1 << 20) for _ in range(7)]
    whole = [pieces[number % 7] for number in range(41)]
    assert objects.put("large", iter(whole)) == 41 << 20
    read = list(objects.get("large"))
    assert b"".join(read) == b"".join(whole)
    assert max(len(piece) for piece in read) <= 8 << 20


def test_putting_again_replaces(objects: Objects) -> None:
    objects.put("key", [b"old and longer"])
    objects.put("key", [b"new"])
    assert content(objects, "key") == b"new"


@pytest.mark.parametrize("good", [0, 1, 40])
def test_when_the_content_fails_nothing_is_there_and_the_error_goes_on(objects: Objects, good: int) -> None:
    class Broken(Exception):
        pass

    def chunks() -> Iterator[bytes]:
        for _ in range(good):
            yield bytes(1 << 20)
        raise Broken

    with pytest.raises(Broken):
        objects.put("half", chunks())
    assert objects.find("half") is None
    assert objects.list("") == []


def test_when_replacing_fails_the_old_stays(objects: Objects) -> None:
    objects.put("key", [b"old"])

    def chunks() -> Iterator[bytes]:
        yield from (bytes(1 << 20) for _ in range(20))
        raise OSError("the source broke")

    with pytest.raises(OSError, match="the source broke"):
        objects.put("key", chunks())
    assert content(objects, "key") == b"old"


def test_the_list_is_sorted_and_goes_by_whole_names(objects: Objects) -> None:
    for key in ("b/2", "b/10", "a", "bb/1", "b/c/d"):
        objects.put(key, [key.encode()])
    assert [item.key for item in objects.list("b")] == ["b/10", "b/2", "b/c/d"]
    assert [item.key for item in objects.list("")] == ["a", "b/10", "b/2", "b/c/d", "bb/1"]
    assert [item.size for item in objects.list("b/c")] == [5]
    assert objects.list("nothing/here") == []


def test_the_list_is_whole_when_it_is_long(objects: Objects) -> None:
    for number in range(1010):
        objects.put(f"many/{number:04}", [b"x"])
    assert [item.key for item in objects.list("many")] == [f"many/{number:04}" for number in range(1010)]


def test_a_deleted_object_is_gone(objects: Objects) -> None:
    objects.put("a/b/c", [b"x"])
    objects.put("a/d", [b"x"])
    objects.delete("a/b/c")
    objects.delete("a/b/c")
    assert objects.find("a/b/c") is None
    assert [item.key for item in objects.list("a")] == ["a/d"]


def test_what_is_not_there_is_told(objects: Objects) -> None:
    assert objects.find("nothing") is None
    with pytest.raises(NotFound) as caught:
        objects.get("nothing")
    assert caught.value.code == "object_missing"
    assert "nothing" in caught.value.message


def test_many_threads_write_at_once(objects: Objects) -> None:
    def write(number: int) -> None:
        objects.put(f"t/{number}", [bytes([number]) * 100_000] * 3)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(content(objects, f"t/{number}") == bytes([number]) * 300_000 for number in range(8))


def test_writing_and_deleting_beside_each_other(objects: Objects) -> None:
    failed: list[Exception] = []

    def work(number: int) -> None:
        try:
            for _ in range(30):
                objects.put(f"one/folder/{number}", [b"x"])
                objects.delete(f"one/folder/{number}")
        except Exception as error:  # noqa: BLE001 -- it is told below
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert objects.list("") == []


def test_a_bucket_that_is_not_there_is_named(s3_server: S3Server) -> None:
    objects = S3Objects(s3_server.access("no-such-bucket"))
    for attempt in (lambda: objects.put("a", [b"x"]), lambda: objects.list("a"), lambda: objects.put("a", [bytes(1 << 20)] * 20)):
        with pytest.raises(Unavailable) as caught:
            attempt()
        assert caught.value.code == "archive_no_bucket"
        assert "no-such-bucket" in caught.value.message
        assert "CANONRY_BACKUPS_URL" in caught.value.hint


def test_a_storage_that_does_not_answer_is_named() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: whoever connects is refused
        objects = S3Objects(S3Access("bucket", endpoint=f"http://127.0.0.1:{closed.getsockname()[1]}", key_id="a", secret_key=Secret("b")))
        with pytest.raises(Unavailable) as caught:
            objects.put("a", [b"x"])
    assert caught.value.code == "archive_unreachable"
    assert "CANONRY_BACKUPS_S3_ENDPOINT" in caught.value.hint


def test_a_storage_that_refuses_us_is_named() -> None:
    answer = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            for _ in itertools.count():
                try:
                    connection, _address = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65_536)
                    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(answer)}\r\nConnection: close\r\n\r\n"
                    connection.sendall(head.encode() + answer)

        threading.Thread(target=refuse, daemon=True).start()
        objects = S3Objects(S3Access("bucket", endpoint=f"http://127.0.0.1:{server.getsockname()[1]}", key_id="a", secret_key=Secret("b")))
        with pytest.raises(Unavailable) as caught:
            objects.list("a")
        server.shutdown(socket.SHUT_RDWR)
    assert caught.value.code == "archive_denied"
    assert "CANONRY_BACKUPS_S3_KEY_ID" in caught.value.hint
