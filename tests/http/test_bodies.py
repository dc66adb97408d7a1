"""Which bodies are short enough to be read before it is known who sends them."""

import pytest
from fastapi import Request

from canonry.http.bodies import is_short


def declaring(**headers: str) -> Request:
    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": named})


@pytest.mark.parametrize("length", ["0", "1", "65536", "00002"])
def test_a_body_that_says_it_is_short_is_short(length: str) -> None:
    assert is_short(declaring(content_length=length))


@pytest.mark.parametrize("length", ["65537", "99999", "100000", "000000000000000000000000000001", "-1", "+1", "1_0", " 1", "²", ""])
def test_what_is_longer_or_no_length_is_not(length: str) -> None:
    assert not is_short(declaring(content_length=length))


def test_what_tells_its_end_in_another_way_is_not() -> None:
    assert not is_short(declaring())
    assert not is_short(declaring(transfer_encoding="chunked"))
    assert not is_short(declaring(content_length="2", transfer_encoding="chunked"))
