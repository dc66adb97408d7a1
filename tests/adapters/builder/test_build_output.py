"""The build log: whole lines, no terminal codes, no secrets, never endless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.adapters.builder.native.failures import command_failed
from canonry.adapters.builder.native.output import MASK, Output, clean, masking
from canonry.ports.builder import Plan
from tests.support.builds import Workshop


def test_a_secret_of_the_project_never_reaches_the_log(workshop: Workshop) -> None:
    variables = {"API_KEY": "s3cr3t-value", "KEY_FILE": "-----BEGIN-----\nabcdefghij\n-----END-----", "DEBUG": "1"}
    build = 'echo "key=$API_KEY"; printf "%s\\n" "$KEY_FILE"; printf "s3cr\\033[0m3t-value\\n"; env; echo debug $DEBUG; cat made'
    workshop.build(Plan("shell", install='echo "$API_KEY" > made', build=build), {"x": "1"}, variables=variables)
    assert f"key={MASK}" in workshop.lines
    assert "debug 1" in workshop.lines
    assert "s3cr3t-value" not in workshop.log
    assert "abcdefghij" not in workshop.log


def test_a_loader_variable_of_the_project_is_not_loaded_outside_the_sandbox(workshop: Workshop) -> None:
    request = workshop.request(Plan("shell", build="echo $LD_PRELOAD_X"), {"x": "1"})
    evil = request.source / "evil.so"
    evil.write_bytes(b"not a library")
    request = workshop.request(Plan("shell", build="true"), {"x": "1"}, variables={"LD_PRELOAD": str(evil)})
    workshop.run(request)
    assert "invalid ELF header" not in workshop.log  # the loader outside would have found the file, inside it cannot


def test_output_without_end_is_cut(workshop: Workshop) -> None:
    workshop.build(Plan("shell", build="head -c 30000000 /dev/zero | tr '\\0' 'x' | fold -w 1000; printf no-end"), {"x": "1"})
    assert sum(map(len, workshop.lines)) < 18 << 20
    assert any("longer than 16 MiB" in line for line in workshop.lines)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"), ("50%\r100%", "100%"), ("line\r", "line"), ("\x1b]0;title\x07text", "text"),
        ("a\x00b\x07c", "abc"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"), ("tab\there", "tab\there"),
        ("trailing   ", "trailing"), ("\u00e9\u2713", "\u00e9\u2713"),
    ],
)  # fmt: skip
def test_a_line_is_shown_as_a_terminal_would_leave_it(written: str, shown: str) -> None:
    assert clean(written) == shown


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_pieces_make_the_same_lines_however_they_are_cut(pieces: list[bytes]) -> None:
    whole, cut = list[str](), list[str]()
    for lines, parts in ((whole, [b"".join(pieces)]), (cut, pieces)):
        output = Output(lines.append)
        for part in parts:
            output.feed(part)
        output.close()
    assert cut == whole
    assert not any("\n" in line for line in whole)


@given(st.text(min_size=6, max_size=30), st.text(max_size=50), st.text(max_size=50))
def test_a_value_that_a_line_holds_as_written_is_masked(secret: str, before: str, after: str) -> None:
    lines: list[str] = []
    masking(lines.append, [secret])(clean(before) + secret + clean(after))
    wanted = clean(secret)
    assert len(wanted) < 6 or wanted != secret or wanted not in lines[0] or wanted in MASK


def test_a_giant_line_is_cut_and_the_next_one_is_whole() -> None:
    lines: list[str] = []
    output = Output(lines.append)
    for _ in range(100):
        output.feed(b"x" * 1000)
    output.feed(b"tail\nnext\n")
    assert [len(line) for line in lines] == [16 << 10, 4]


@pytest.mark.parametrize(
    ("code", "tail", "reason"),
    [
        (1, "error: The lockfile at `uv.lock` needs to be updated, but `--frozen` was provided", "the lock file does not fit"),
        (1, "npm error code E404", "not in the package index"),
        (127, "sh: 1: frobnicate: not found", "there is no program frobnicate"),
        (1, "ModuleNotFoundError: No module named 'django'", "a module it needs is not installed (django)"),
        (134, "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "it ran out of memory"),
        (1, "OSError: [Errno 28] No space left on device", "there is no space left"),
        (1, "getaddrinfo ENOTFOUND registry.example.test", "a host on the network did not answer"),
        (137, "", "it was killed"),
        (3, "whatever", ""),
    ],
)  # fmt: skip
def test_a_failure_says_why_in_one_sentence_and_what_to_do(code: int, tail: str, reason: str) -> None:
    error = command_failed("build", "make it", code, [tail])
    assert error.message.startswith(f"The build command `make it` ended with exit code {code}")
    assert reason in error.message
    assert error.hint
