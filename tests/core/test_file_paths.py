"""Paths of files in a repository."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import Invalid
from canonry.core.file_paths import parse_file_path

_HOSTILE = [
    "", "/", "/etc/passwd", "a//b", "a/", "..", "../a", "a/../b", "a/..", ".", "./a", "a/./b", "a\\b", "..\\a", "a\0b", "a\nb", "a\x7fb",
    "\x1b[31m.md", ".git", ".git/config", "a/.git/hooks/post-receive", ".GIT/x", ".gIt", ".git.", ".git ", ".git . .", ".git:x/y",
    ".git::$INDEX_ALLOCATION", "git~1/config", "GIT~1", "\u200c.git/x", ".g\u200dit/x", ".gi\ufefft", "\ud800", "e\u0301.md", "x" * 1001,
]  # fmt: skip


@pytest.mark.parametrize("text", _HOSTILE)
def test_what_could_mean_something_else_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_file_path(text)
    assert caught.value.code == "invalid_path"
    assert caught.value.issues[0].path == "file_path"


@pytest.mark.parametrize(
    "text", ["a.md", "docs/specs/login.md", "-x.md", "a b/ü.md", ".github/x", ".gitignore", "a..b/c...md", "%2e%2e/x", "仕様.md"]
)
def test_ordinary_names_stay_as_they_are(text: str) -> None:
    assert parse_file_path(text) == text


@given(st.text(max_size=60))
def test_what_is_accepted_stays_below_the_top(text: str) -> None:
    try:
        path = parse_file_path(text)
    except Invalid:
        return
    assert path == text
    assert not path.startswith("/")
    assert all(name and name not in {".", "..", ".git"} for name in path.split("/"))
