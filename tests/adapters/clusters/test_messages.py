"""The first messages of PostgreSQL's protocol, as the proxy reads them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.adapters.clusters.proxy import messages

_WORDS = st.dictionaries(st.binary(min_size=1, max_size=20).filter(lambda word: b"\0" not in word),
                         st.binary(max_size=20).filter(lambda word: b"\0" not in word), max_size=5)  # fmt: skip


def _startup(wanted: dict[bytes, bytes]) -> bytes:
    body = b"".join(name + b"\0" + value + b"\0" for name, value in wanted.items()) + b"\0"
    return struct.pack("!II", len(body) + 8, 3 << 16) + body


@given(_WORDS, st.binary(max_size=30))
def test_a_startup_message_is_read_whatever_follows_it(wanted: dict[bytes, bytes], rest: bytes) -> None:
    message = _startup(wanted)
    first = messages.split_first(message + rest)
    assert first == (3 << 16, message, rest)
    assert messages.parameters(message) == wanted


@given(_WORDS, st.integers(min_value=0, max_value=300))
def test_a_part_of_a_message_is_waited_for(wanted: dict[bytes, bytes], length: int) -> None:
    message = _startup(wanted)
    assert (messages.split_first(message[:length]) is None) == (length < len(message))


@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_it(data: bytes) -> None:
    try:
        first = messages.split_first(data)
        if first and first.kind == 3 << 16:
            messages.parameters(first.message)
    except messages.Malformed:
        pass


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01", b"\0\0\0\x07\0\x03\0\0", struct.pack("!II", 9, 2 << 16)]
)
def test_what_is_not_postgresql_is_refused(data: bytes) -> None:
    with pytest.raises(messages.Malformed):
        messages.split_first(data)


def test_an_error_of_ours_reads_like_the_servers() -> None:
    error = messages.failure("57P03", "It does not answer.", "Wait.")
    assert error[:1] == b"E"
    assert struct.unpack("!I", error[1:5])[0] == len(error) - 1
    assert messages.is_not_yet(error)
    assert not messages.is_not_yet(messages.failure("28000", "No."))
    assert not messages.is_not_yet(b"R\0\0\0\x08\0\0\0\0")
