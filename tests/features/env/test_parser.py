"""`.env` files: what people write in them, and that what we write is read back, by a shell too."""

import contextlib
import os
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import Invalid
from canonry.features.env.parser import format_env, parse_env

KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,15}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("KEY=value", "value"), ("  KEY = value  ", "value"), ("export KEY=value", "value"), ("KEY=", ""), ("KEY=   ", ""),
        ("KEY=a b c", "a b c"), ("KEY=value # remark", "value"), ("KEY=val#ue", "val#ue"), ("KEY=#abc", "#abc"), ("KEY= # remark", ""),
        ("KEY=a=b=c", "a=b=c"), ("KEY='a # b'", "a # b"), ('KEY="a # b" # remark', "a # b"), ("KEY=`it's \"x\"`", "it's \"x\""),
        ("KEY='it\\n'", "it\\n"), ('KEY="one\\ntwo\\t\\"3\\" \\$4 \\\\ \\x"', 'one\ntwo\t"3" $4 \\ \\x'), ("KEY=$HOME/x", "$HOME/x"),
        ('KEY="first\nsecond"', "first\nsecond"), ("KEY='first\r\nsecond'", "first\nsecond"), ("\ufeffKEY=value\r\n", "value"),
        ("# remark\n\n   \n\t# another\nKEY=value", "value"), ("KEY=it's", "it's"), ("KEY=ünï ✓", "ünï ✓"), ("KEY=''", ""),
        ('KEY="ends with backslash \\\\"', "ends with backslash \\"),
    ],
)  # fmt: skip
def test_a_line_is_read_as_people_mean_it(text: str, value: str) -> None:
    assert [(line.key, line.value) for line in parse_env(text)] == [("KEY", value)]


def test_several_lines_are_read_in_order_with_their_numbers() -> None:
    text = 'A=1\r\n\r\nB="x\ny"\r\n# remark\nexport C=3\nA=4'
    assert [(line.number, line.key, line.value) for line in parse_env(text)] == [
        (1, "A", "1"), (3, "B", "x\ny"), (6, "C", "3"), (7, "A", "4"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("KEY", 1), ("A=1\nnothing here\n", 2), ("A=1\nB='open", 2), ('A="x" y', 1), ("1A=x", 1), ("A-B=x", 1), ("=x", 1),
        ("A=1\n\n\nhunter2\n", 4), ('A="\n\n', 1), ("A B=1", 1), ("'A'=1", 1),
    ],
)  # fmt: skip
def test_a_line_that_is_none_is_named_and_never_repeated(text: str, line: int) -> None:
    with pytest.raises(Invalid) as caught:
        list(parse_env(text))
    assert caught.value.code == "invalid_env_file"
    assert caught.value.message.startswith(f"Line {line} ")
    assert caught.value.issues[0].path == f"body.text, line {line}"
    assert "hunter2" not in str(caught.value)


@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_what_is_written_is_read_back(pairs: dict[str, str]) -> None:
    assert [(line.key, line.value) for line in parse_env(format_env(pairs.items()))] == list(pairs.items())


@pytest.mark.parametrize("text", ["A=1\n" * 200_000, "A=" + " " * 900_000 + "b", "A" * 900_000, 'A="' + "\\x" * 400_000, "\n" * 900_000])
def test_no_file_takes_long(text: str) -> None:
    started = time.process_time()
    with contextlib.suppress(Invalid):
        list(parse_env(text))
    assert time.process_time() - started < 20


@given(st.text(max_size=200))
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    with contextlib.suppress(Invalid):
        list(parse_env(text))


@given(st.lists(st.text(st.characters(min_codepoint=1, max_codepoint=0x2FFF, exclude_characters="\r\n"), max_size=30), max_size=5))
def test_a_shell_reads_what_is_written_the_same_way(values: list[str]) -> None:
    text = format_env((f"KEY_{number}", value) for number, value in enumerate(values))
    script = text + "\n".join(f"printf '%s\\0' \"$KEY_{number}\"" for number in range(len(values)))
    done = subprocess.run(["/bin/sh"], input=script.encode(), capture_output=True, check=True, env={"PATH": os.defpath})
    assert done.stdout.decode().split("\0")[:-1] == values
