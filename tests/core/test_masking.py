"""No secret value survives in text, however it is quoted and wherever a long line is cut."""

import base64
import itertools
import json
import time
import urllib.parse

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from canonry.core.masking import _NO_SECRETS, MASK, Mask

SECRET = 's3cr3t/Value+of?mine"x'
LETTERS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=40)


@pytest.mark.parametrize(
    "written",
    [
        SECRET, json.dumps({"key": SECRET}), urllib.parse.quote(SECRET, safe=""), urllib.parse.quote_plus(SECRET),
        "postgres://me:" + urllib.parse.quote(SECRET, safe="") + "@db/x",
        *(base64.b64encode(before + SECRET.encode() + b" and more").decode() for before in (b"", b"u", b"me:", b"user", b"users")),
        base64.urlsafe_b64encode(b"x" + SECRET.encode()).decode(),
    ],
)  # fmt: skip
def test_a_value_is_masked_however_it_is_quoted(written: str) -> None:
    masked = Mask([SECRET])(f"before {written} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert MASK in masked
    for k in range(3):
        whole = base64.b64encode(b"\0" * k + SECRET.encode()).decode()[4:-4]
        assert whole not in masked
    assert "s3cr3t" not in masked


def test_each_line_of_a_value_is_masked_and_short_ones_stay() -> None:
    mask = Mask(["-----BEGIN KEY-----\nabcdefgh\r\n  ijklmnop\nab\n"])
    assert [mask(line) for line in ("-----BEGIN KEY-----", "x abcdefgh y", "ijklmnop", "ab", "other")] == [
        MASK, f"x {MASK} y", MASK, "ab", "other",
    ]  # fmt: skip


@pytest.mark.parametrize("everyday", ["", "abc", "true", "Production", "    ", "\n\n"])
def test_short_and_everyday_values_are_no_secrets(everyday: str) -> None:
    line = f"a line with true and production and abc{everyday} in it"
    assert Mask([everyday])(line) == line


def test_values_that_overlap_leave_nothing_of_either() -> None:
    assert Mask(["abcdef", "defghi", "efgh"])("1abcdefghi2") == f"1{MASK}2"
    assert Mask(["aaaa"])("aaaaaa") == MASK
    assert Mask(["acte", "redacted"])("redacted acte") == f"{MASK} {MASK}"


@given(before=st.text(max_size=20), secret=LETTERS, after=st.text(max_size=20), more=st.lists(LETTERS, max_size=3))
@example(before="", secret="0000", after="0", more=[])
def test_no_value_survives_whatever_stands_around_it(before: str, secret: str, after: str, more: list[str]) -> None:
    masked = Mask([secret, *more])(before + secret + after)
    assert secret not in masked.replace(MASK, "\0") or secret.lower() in _NO_SECRETS


@given(secret=LETTERS.filter(lambda text: text.isalnum() and text.lower() not in _NO_SECRETS), data=st.data())
def test_no_part_of_a_value_survives_where_a_line_is_cut(secret: str, data: st.DataObject) -> None:
    line = "-- " + secret + " --"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(line)), max_size=3)))
    edges = [0, *cuts, len(line)]
    mask, pieces = Mask([secret]), list[str]()
    for number, (start, stop) in enumerate(itertools.pairwise(edges)):
        pieces.append(mask(line[start:stop], begins_inside=number > 0, ends_inside=number < len(edges) - 2))
    left = "".join(pieces).replace(MASK, "")
    assert set(left) <= {"-", " "}


def test_fifty_secrets_cost_little_for_a_long_log() -> None:

    mask = Mask([f"{number:03d}-secret-value-{number * 7919}" for number in range(50)])
    lines = [
        f"[{number}] compiled module src/components/part_{number}.tsx in {number % 90} ms without a warning" for number in range(20_000)
    ]
    started = time.process_time()
    assert [mask(line) for line in lines] == lines
    assert time.process_time() - started < 20  # measured: 0.2 s
