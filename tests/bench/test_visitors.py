"""The visitors of the failed-requests figure see what goes wrong: a count that cannot fail proves nothing."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bench.visitors import Visitors, Visits

_GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
type Behaviour = Callable[[int], bytes]


def test_right_answers_are_counted_on_kept_and_new_connections(visit: Callable[[Behaviour], Visits]) -> None:
    visits = visit(lambda _number: _GOOD)
    assert visits.right == visits.asked >= 20
    assert (visits.failed, visits.repeated) == ({}, 0)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", b"nonsense\r\n"]
)
def test_an_answer_that_is_cut_is_a_failure(visit: Callable[[Behaviour], Visits], answer: bytes) -> None:
    visits = visit(lambda _number: answer)
    assert (visits.right, visits.failed.total()) == (0, visits.asked)


def test_another_status_is_a_failure(visit: Callable[[Behaviour], Visits]) -> None:
    visits = visit(lambda _number: b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
    assert visits.failed == {"status 502": visits.asked}


def test_a_kept_connection_that_was_closed_between_requests_is_asked_again_and_counted_apart(visit: Callable[[Behaviour], Visits]) -> None:
    visits = visit(lambda number: _GOOD if number < 2 else b"")  # each connection ends at its third request
    assert visits.right == visits.asked
    assert visits.repeated > 0


def test_nobody_there_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    visitors = Visitors(port, "nobody.localhost", 100)
    visitors.start()
    time.sleep(0.2)
    visits = visitors.stop()
    assert visits.failed.total() == visits.asked > 0


@pytest.fixture
def visit() -> Iterator[Callable[[Behaviour], Visits]]:
    """Give a function that sends visitors to a server that answers the n-th request of a connection as told; nothing: it hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def send_visitors(behave: Behaviour) -> Visits:
            threading.Thread(target=_accept, args=(listener, behave), daemon=True).start()
            visitors = Visitors(listener.getsockname()[1], "app.localhost", 100)
            visitors.start()
            time.sleep(0.4)
            return visitors.stop()

        yield send_visitors
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, behave: Behaviour) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection, behave), daemon=True).start()


def _answer(connection: socket.socket, behave: Behaviour) -> None:
    with connection, connection.makefile("rb") as requests:
        number = 0
        while line := requests.readline():
            if line != b"\r\n":
                continue
            answer = behave(number)
            number += 1
            connection.sendall(answer)
            if answer != _GOOD and b"502" not in answer:
                return
