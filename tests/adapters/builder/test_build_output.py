"""The build log: whole lines, no terminal codes, no secrets, never endless."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.adapters.builder.native.failures import command_failed
from canonry.adapters.builder.native.output import Output, clean, masking
from canonry.core.masking import MASK
from canonry.ports.builder import Plan
from tests.support.builds import Workshop, processes_with


def test_a_secret_of_the_project_never_reaches_the_log(workshop: Workshop) -> None:
    variables = {"API_KEY": "s3cr3t-value", "KEY_FILE": "-----BEGIN-----\nabcdefghij\n-----END-----", "DEBUG": "1"}
    build = 'echo "key=$API_KEY"; printf "%s\\n" "$KEY_FILE"; printf "s3cr\\033[0m3t-value\\n"; env; echo debug $DEBUG; cat made'
    workshop.build(
        Plan("shell", install='echo "$API_KEY" > made', build=build), {"x": "1"}, variables=variables, secrets=list(variables.values())
    )
    assert f"key={MASK}" in workshop.lines
    assert "debug 1" in workshop.lines
    assert "s3cr3t-value" not in workshop.log
    assert "abcdefghij" not in workshop.log


def test_variables_stand_on_no_command_line_and_in_the_environment_of_nothing_outside(workshop: Workshop) -> None:
    seen = workshop.home.root / "seen"
    plan = Plan("shell", build="until [ -e go ]; do sleep 0.02; done; echo got $API_KEY")
    request = workshop.request(plan, {"x": "1"}, variables={"API_KEY": "canary-5d1f"}, secrets=["canary-5d1f"])

    def look() -> bool:
        if processes_with("until [ -e go ]") and not seen.exists():
            seen.write_text("\n".join(map(str, processes_with("canary-5d1f"))))
            (request.source / "go").touch()
        return False

    workshop.run(dataclasses.replace(request, cancelled=look))
    assert seen.read_text() == ""
    assert f"got {MASK}" in workshop.lines


def test_the_id_of_an_artifact_tells_nothing_about_its_variables_without_the_key(workshop: Workshop) -> None:
    plan = Plan("shell", build="true")
    made = [
        workshop.build(plan, {"x": "1"}, variables=variables, digest_key=key).id
        for variables, key in (
            ({"PIN": "1234"}, b"ours"),
            ({"PIN": "1234"}, b"theirs"),
            ({"PIN": "1234"}, b"ours"),
            ({"PIN": "1"}, b"ours"),
        )
    ]
    assert made[0] == made[2]
    assert len(set(made)) == 3


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


@pytest.mark.parametrize("before", [0, 16_000, 16_375, 16_383])
def test_a_secret_that_the_end_of_a_giant_line_cuts_leaves_no_part_of_itself(before: int) -> None:
    lines: list[str] = []
    output = Output(masking(lines.append, ["a-secret-of-the-project", *(f"filling-{number:04d}" for number in range(3))]))
    output.feed(b"filling-0001" * (before // 12) + b"." * (before % 12) + b"a-secret-of-the-project" + b"x" * 20_000 + b"\n")
    assert "secret" not in lines[0]
    assert "a-s" not in lines[0].replace(MASK, "")


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
