"""Sealing: what comes back is what went in, and every fault is found and told apart."""

import hashlib
import os
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonry.core.errors import Conflict
from canonry.infra.backup.key import BackupKey, new_key
from canonry.infra.backup.seal import seal, unseal

KEY = new_key()
NAME = "base/db_1/bak_2/data"
HEADER = 68
HEAD = 17
NOISE = b"".join(hashlib.sha256(number.to_bytes(4)).digest() for number in range(110_000))  # 3.5 MB that do not compress
SEALED = b"".join(seal([NOISE], KEY, NAME))


def opened(sealed: bytes, key: BackupKey = KEY, name: str = NAME, step: int = 65_536) -> bytes:
    return b"".join(unseal((sealed[at : at + step] for at in range(0, len(sealed), step)), key, name))


def code_of(sealed: bytes, key: BackupKey = KEY, name: str = NAME) -> str:
    with pytest.raises(Conflict) as caught:
        opened(sealed, key, name)
    assert name in caught.value.message
    assert caught.value.hint
    return caught.value.code


def frames(sealed: bytes) -> list[bytes]:
    found, at = [], HEADER
    while at < len(sealed):
        length = int.from_bytes(sealed[at + 9 : at + 13])
        found.append(sealed[at : at + HEAD + length])
        at += HEAD + length
    return found


@given(chunks=st.lists(st.binary(max_size=300)), step=st.integers(1, 500))
def test_what_comes_out_is_what_went_in(chunks: list[bytes], step: int) -> None:
    sealed = b"".join(seal(chunks, KEY, NAME))
    assert opened(sealed, step=step) == b"".join(chunks)


def test_large_content_comes_back() -> None:
    assert opened(SEALED) == NOISE
    assert len(frames(SEALED)) == 4


def test_sealing_twice_gives_other_bytes() -> None:
    assert b"".join(seal([b"the same"], KEY, NAME)) != b"".join(seal([b"the same"], KEY, NAME))


def test_nothing_of_the_content_can_be_seen() -> None:
    assert b"a secret word" not in b"".join(seal([b"a secret word" * 3], KEY, NAME))


@given(at=st.integers(0, len(SEALED) * 8 - 1))
@settings(max_examples=150, deadline=None)
def test_every_flipped_bit_is_found(at: int) -> None:
    changed = bytearray(SEALED)
    changed[at // 8] ^= 1 << at % 8
    assert code_of(bytes(changed)) == "backup_damaged"


def test_every_flipped_bit_of_a_small_object_is_found() -> None:
    small = b"".join(seal([b"a row"], KEY, NAME))
    for at in range(len(small) * 8):
        changed = bytearray(small)
        changed[at // 8] ^= 1 << at % 8
        assert code_of(bytes(changed)) == "backup_damaged", at


@given(size=st.integers(0, len(SEALED) - 1))
@settings(max_examples=100, deadline=None)
def test_every_cut_is_found(size: int) -> None:
    assert code_of(SEALED[:size]) == "backup_truncated"


def test_a_cut_between_two_pieces_is_found() -> None:
    assert code_of(SEALED[:HEADER] + b"".join(frames(SEALED)[:-1])) == "backup_truncated"
    assert code_of(SEALED[:HEADER]) == "backup_truncated"
    assert code_of(b"") == "backup_truncated"


def test_pieces_in_another_order_are_found() -> None:
    first, second, *rest = frames(SEALED)
    assert code_of(SEALED[:HEADER] + second + first + b"".join(rest)) == "backup_reordered"
    assert code_of(SEALED[:HEADER] + first + first + second + b"".join(rest)) == "backup_reordered"
    assert code_of(SEALED[:HEADER] + first + b"".join(rest)) == "backup_reordered"


def test_pieces_of_another_object_are_found() -> None:
    other = b"".join(seal([NOISE], KEY, NAME))
    assert code_of(SEALED[:HEADER] + frames(SEALED)[0] + b"".join(frames(other)[1:])) == "backup_damaged"


def test_something_behind_the_end_is_found() -> None:
    assert code_of(SEALED + b"x") == "backup_damaged"
    assert code_of(SEALED + frames(SEALED)[-1]) == "backup_damaged"


def test_another_key_is_named() -> None:
    other = new_key()
    with pytest.raises(Conflict) as caught:
        opened(SEALED, other)
    assert caught.value.code == "backup_wrong_key"
    assert KEY.id in caught.value.message
    assert other.id in caught.value.message
    assert "CANONRY_BACKUPS_KEY_FILE" in caught.value.hint


def test_another_name_is_named() -> None:
    assert code_of(SEALED, name="base/db_1/bak_3/data") == "backup_misplaced"


def test_nothing_unproven_comes_out() -> None:
    changed = bytearray(SEALED)
    changed[len(changed) // 2] ^= 1
    out = bytearray()
    with pytest.raises(Conflict):
        out.extend(byte for piece in unseal([bytes(changed)], KEY, NAME) for byte in piece)
    assert NOISE.startswith(out)


def test_memory_stays_bounded_even_for_what_compresses_extremely() -> None:
    def zeros() -> Iterator[bytes]:
        for _ in range(512):
            yield bytes(1 << 20)

    sealed = list(seal(zeros(), KEY, NAME))
    assert sum(map(len, sealed)) < 1 << 20
    tracemalloc.start()
    try:
        assert sum(len(piece) for piece in unseal(sealed, KEY, NAME)) == 512 << 20
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_memory_stays_bounded_while_sealing() -> None:
    tracemalloc.start()
    try:
        assert sum(len(piece) for piece in seal((os.urandom(1 << 20) for _ in range(64)), KEY, NAME)) > 64 << 20
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
