"""Packing: what goes in, what stays behind, and the same bytes for the same files."""

import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.client.pack import list_paths, pack
from canonry.core.errors import Invalid, NotFound


def write(folder: Path, *paths: str, content: str = "x") -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return folder


def members(folder: Path) -> dict[str, tarfile.TarInfo]:
    with pack(folder) as archive, tarfile.open(fileobj=archive.file) as tar:
        return {info.name: info for info in tar.getmembers()}


def test_files_folders_and_the_executable_bit_go_in(tmp_path: Path) -> None:
    write(tmp_path, "index.html", "run.sh", "empty/.keep")
    (tmp_path / "run.sh").chmod(0o700)
    (tmp_path / "index.html").chmod(0o600)
    (tmp_path / "bare").mkdir()
    found = members(tmp_path)
    assert list(found) == ["bare", "empty", "empty/.keep", "index.html", "run.sh"]
    assert (found["run.sh"].mode, found["index.html"].mode) == (0o755, 0o644)
    assert {(info.uid, info.gid, info.uname) for info in found.values()} == {(0, 0, "")}


def test_unchanged_files_make_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path, "b", "a", "c/d")
    with pack(tmp_path) as first, pack(tmp_path) as second:
        assert first.file.read() == second.file.read()
        assert first.size == second.size > 0


def test_the_time_of_a_file_stays(tmp_path: Path) -> None:
    write(tmp_path, "a")
    os.utime(tmp_path / "a", (1_700_000_000, 1_700_000_000))
    assert members(tmp_path)["a"].mtime == 1_700_000_000


def test_some_folders_never_go_in(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a",
        ".git/config",
        "sub/.git",
        ".canonry/project.json",
        "node_modules/x/i.js",
        "p/__pycache__/m.pyc",
        ".venv/x",
        "e/.DS_Store",
    )
    write(tmp_path, "my-env/pyvenv.cfg", "my-env/bin/python")
    assert list_paths(tmp_path) == ["a"]


def test_canonryignore_takes_back_in_what_is_left_out_by_default_but_not_git(tmp_path: Path) -> None:
    write(tmp_path, "node_modules/x/i.js", ".git/config")
    (tmp_path / ".canonryignore").write_text("!node_modules/\n!.git/\n")
    assert list_paths(tmp_path) == [".canonryignore", "node_modules/x/i.js"]


def test_canonryignore_wins_over_gitignore_in_both_directions(tmp_path: Path) -> None:
    write(tmp_path, "dist/index.html", "notes.txt", "a.py")
    (tmp_path / ".gitignore").write_text("dist/\n")
    (tmp_path / ".canonryignore").write_text("!dist/\n*.txt\n.*ignore\n")
    assert list_paths(tmp_path) == ["a.py", "dist/index.html"]


def test_nested_ignore_files_speak_for_their_own_folder(tmp_path: Path) -> None:
    write(tmp_path, "a.log", "sub/a.log", "sub/deep/b.log", "sub/deep/c.txt")
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "sub" / ".gitignore").write_text("!a.log\n/deep/c.txt\n")
    assert list_paths(tmp_path) == [".gitignore", "sub/.gitignore", "sub/a.log"]


def test_an_ignore_file_that_is_a_link_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, "a.log", "rules", content="*.log\n")
    (tmp_path / ".gitignore").symlink_to("rules")
    assert "a.log" in list_paths(tmp_path)


def test_links_inside_stay_links(tmp_path: Path) -> None:
    write(tmp_path, "real/file", "real/sub/x")
    (tmp_path / "to-file").symlink_to("real/file")
    (tmp_path / "real" / "up").symlink_to("../real/sub")
    (tmp_path / "absolute").symlink_to(tmp_path / "real" / "file")
    (tmp_path / "dangling").symlink_to("not-there")
    found = members(tmp_path)
    targets = {name: info.linkname for name, info in found.items() if info.issym()}
    assert targets == {"to-file": "real/file", "real/up": "../real/sub", "absolute": "real/file", "dangling": "not-there"}


def test_links_that_lead_outside_are_left_out_and_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "app", "a")
    (folder / "up").symlink_to("../secret")
    (folder / "etc").symlink_to("/etc/passwd")
    (folder / "around").symlink_to("up")
    (folder / "beside").symlink_to("../app-2")
    with pack(folder) as archive:
        assert archive.entries == 1
    assert [sentence.split(" ")[0] for sentence in archive.warnings] == ["around", "beside", "etc", "up"]


def test_sockets_and_pipes_are_left_out_and_named() -> None:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listening:
        folder = write(Path(short), "a")
        listening.bind(f"{short}/s.sock")
        os.mkfifo(folder / "pipe")
        with pack(folder) as archive:
            pass
    assert [sentence.split(" ")[0] for sentence in archive.warnings] == ["pipe", "s.sock"]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    with pytest.raises(Invalid, match="nothing to deploy"):
        pack(tmp_path)


def test_a_folder_that_is_not_there_or_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no folder"):
        pack(tmp_path / "nowhere")
    with pytest.raises(Invalid, match="is not a folder"):
        pack(write(tmp_path, "file") / "file")


@pytest.mark.parametrize("locked", ["secret", "locked-folder"])
def test_what_cannot_be_read_is_named(locked: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = write(Path(place), "a", "secret", "locked-folder/b")
        Path(place).chmod(0o755)
        (folder / locked).chmod(0)
        # Root may read everything, so the packing process becomes somebody else first.
        code = "import os, sys, tempfile, canonry.client.pack as p\nos.getuid() or os.setuid(65534)\np.pack(p.Path(sys.argv[1]))"
        environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", code, place], env=environment, capture_output=True, text=True, check=False)
        (folder / locked).chmod(0o700)
    assert f"{locked} cannot be read: Permission denied" in done.stderr


def test_names_that_are_no_text_and_long_names_come_through(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff\xfe.txt"
    with open(odd, "wb"):  # noqa: PTH123 -- a path in bytes
        pass
    long_path = "/".join(["folder" * 8] * 6) + "/" + "n" * 150
    write(tmp_path, long_path)
    assert {os.fsdecode(b"\xff\xfe.txt"), long_path} <= set(members(tmp_path))


def test_ten_thousand_files_are_packed_without_looking_at_each_rule_for_each(tmp_path: Path) -> None:
    for number in range(100):
        write(tmp_path, *(f"d{number}/f{index}.py" for index in range(100)), content="value = 1\n" * 40)
    (tmp_path / ".gitignore").write_text("".join(f"*.x{number}\n" for number in range(20)))
    started = time.process_time()
    with pack(tmp_path) as archive:
        assert archive.entries == 10_001
    assert time.process_time() - started < 30


NAME = st.sampled_from(["a", "b", "c.log", "build", "x y"])
TREE = st.lists(st.lists(NAME, min_size=1, max_size=4).map("/".join), min_size=1, max_size=12, unique=True)
RULES = st.lists(
    st.sampled_from(
        ["a", "!a", "/a", "a/", "build/", "!build/", "*.log", "!*.log", "**/b", "a/**", "!a/b", "/*", "!*/", "x\\ y", "?", "b/a"]
    ),
    max_size=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=TREE, root_rules=RULES, inner_rules=RULES, inner=NAME)
def test_what_goes_in_is_what_git_would_list(paths: list[str], root_rules: list[str], inner_rules: list[str], inner: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        subprocess.run(["git", "init", "-q", place], check=True)
        for path in paths:
            target = folder / path
            if not target.is_dir() and not any(parent.is_file() for parent in target.parents):
                write(folder, path)
        (folder / ".gitignore").write_text("\n".join(root_rules))
        if (folder / inner).is_dir():
            (folder / inner / ".gitignore").write_text("\n".join(inner_rules))
        command = ["git", "-C", place, "-c", "core.excludesFile=", "ls-files", "-z", "--others", "--exclude-standard"]
        listed = subprocess.run(command, capture_output=True, check=True).stdout
        assert sorted(list_paths(folder)) == sorted(name.decode() for name in listed.split(b"\0") if name)


def test_a_file_of_secrets_goes_along_with_a_warning_unless_it_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    for name in (".env", "app/.env", "index.html"):
        (tmp_path / name).write_text("A=1")
    with pack(tmp_path) as archive:
        assert [sentence.split(" ")[0] for sentence in archive.warnings] == [".env", "app/.env"]
        assert "canonry env import .env" in archive.warnings[0]
    (tmp_path / ".gitignore").write_text(".env\n")
    with pack(tmp_path) as archive:
        assert archive.warnings == []
