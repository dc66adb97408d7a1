"""Ignore files: the same decisions as git, on patterns nobody would think of."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.client.ignore import IgnoreFile

ATOMS = [
    "a", "b", "ab", "*", "**", "***", "?", "/", "!", "\\", "[ab]", "[!a]", "[^b]", "[a-b]", "[b-a]", "[]a]", "[a", "[[:alpha:]]",
    "[[:bad:]]", "[[:a]", "[a-", "-", "[", "]",
    "[a\\]]",
    " ", ".", "#", "é", "\t", "a*", "{a,b}", "+", "$", "(",
]  # fmt: skip
NAMES = ["a", "b", "ab", "ba", "a b", ".a", "a]", "!a", "#a", "é", "a+", "{a,b}"]
PATHS = [f"{first}{middle}{last}" for first in NAMES for middle in ("", "/", "/a/", "/b/ab/") for last in (NAMES if middle else [""])]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.lists(st.sampled_from(ATOMS), min_size=1, max_size=6).map("".join), min_size=1, max_size=4),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_the_decisions_are_those_of_git(repository: Path, lines: list[str], ending: str) -> None:
    content = ending.join([*lines, ""]).encode()
    (repository / ".gitignore").write_bytes(content)
    rules = IgnoreFile(content)
    assert {path for path in PATHS if _is_ignored(rules, path)} == _ignored_by_git(repository)


@pytest.mark.parametrize(
    ("content", "path", "is_folder", "expected"),
    [
        (b"", b"a", False, None),
        (b"# a\n", b"a", False, None),
        (b"*.log\n!keep.log\n", b"x/keep.log", False, False),
        (b"build/\n", b"build", False, None),
        (b"build/\n", b"x/build", True, True),
        (b"/build\n", b"x/build", True, None),
        (b"\xef\xbb\xbfa\n", b"a", False, True),
        (b"a\\ \n", b"a ", False, True),
        (b"a  \n", b"a", False, True),
        (b"\xff*\n", b"\xff1", False, True),
    ],
)
def test_a_pattern_decides(content: bytes, path: bytes, is_folder: bool, expected: bool | None) -> None:
    assert IgnoreFile(content).decide(path, is_folder=is_folder) is expected


def _is_ignored(rules: IgnoreFile, path: str) -> bool:
    words = path.split("/")
    parts = [("/".join(words[:end]).encode(), end < len(words)) for end in range(1, len(words) + 1)]
    return any(rules.decide(part, is_folder=is_folder) for part, is_folder in parts)


def _ignored_by_git(repository: Path) -> set[str]:
    command = ["git", "-C", str(repository), "-c", "core.excludesFile=", "check-ignore", "--no-index", "-z", "--stdin"]
    listed = subprocess.run(command, input="\0".join([*PATHS, ""]).encode(), capture_output=True, check=False)
    assert listed.returncode in {0, 1}, listed.stderr
    return {name.decode() for name in listed.stdout.split(b"\0") if name}
