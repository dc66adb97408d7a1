"""What commits may say of themselves."""

import subprocess
from pathlib import Path

import pytest

from canonry.core.paths import Home
from canonry.features.git.hosted import ensure_hosted
from canonry.features.git.objects import open_objects


@pytest.mark.parametrize(
    ("encoding", "written", "read"),
    [
        ("UTF-8", "é".encode(), "é"),
        ("ISO-8859-1", "é".encode("latin-1"), "é"),
        ("windows-1251", "я".encode("cp1251"), "я"),
        ("idna", b"x", "x"),  # these fail in Python, whatever the text
        ("undefined", b"x", "x"),
        ("rot13", b"x", "x"),
        ("punycode", b"abc-" + b"z" * 200_000, "abc-" + "z" * 200_000),  # and this one takes the square of its length
        ("../../etc", b"x", "x"),
    ],
)
def test_a_commit_is_read_whatever_encoding_it_names(tmp_path: Path, encoding: str, written: bytes, read: str) -> None:
    home = Home(tmp_path / "home")
    home.create()
    folder = ensure_hosted(home, "prj_1", "main")
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    who = "Ada <ada@example.com> 1700000000 +0000"
    commit = f"tree {empty}\nauthor {who}\ncommitter {who}\nencoding {encoding}\n\n".encode() + written
    made = subprocess.run(["git", f"--git-dir={folder}", "hash-object", "-w", "--literally", "-t", "commit", "--stdin"], input=commit,
                          capture_output=True, check=True)  # fmt: skip
    with open_objects(folder) as objects:
        found = objects.commit(made.stdout.decode().strip())
    assert found is not None
    assert found.message == read
