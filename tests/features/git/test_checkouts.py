"""Checkouts: the tree as it is stored, and nothing outside the target."""

import os
import subprocess
from pathlib import Path

import pytest

from canonry.core.errors import Invalid, NotFound, TooLarge
from canonry.core.paths import Home
from canonry.features.git import checkout, checkouts, tree_of
from tests.support.git import Person


class Log(list[str]):
    def __call__(self, line: str) -> None:
        self.append(line)


def write(home: Home, person: Person, target: Path, commit: str | None = None) -> Log:
    log = Log()
    tree = checkout(person.tree / ".git", commit or person.head(), target, log, home=home)
    assert tree == person.head(f"{commit or 'HEAD'}^{{tree}}")
    return log


def hostile_commit(person: Person, *entries: tuple[str, bytes, str]) -> str:
    """Make a commit whose tree has exactly these entries (mode, name, id), checked by nobody."""
    data = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(sha) for mode, name, sha in entries)
    (person.tree.parent / "tree").write_bytes(data)
    tree = person.git("hash-object", "-t", "tree", "--literally", "-w", str(person.tree.parent / "tree")).stdout.strip()
    return person.git("commit-tree", tree, "-m", "hostile").stdout.strip()


def blob(person: Person, content: bytes) -> str:
    (person.tree.parent / "blob").write_bytes(content)
    return person.git("hash-object", "-w", str(person.tree.parent / "blob")).stdout.strip()


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


class TestWhatIsWritten:
    def test_files_folders_modes_and_odd_names_arrive_byte_for_byte(self, home: Home, ada: Person, tmp_path: Path) -> None:
        files: dict[str, str | bytes] = {"a/b/c.txt": b"\0\xff" * 5000, "empty": b"", "with space\nand newline": "x",
                "ünï": "y", "-rf": "z",
                                         "exactly": b"x" * 1023, "a bit more": b"x" * 1024, "big": os.urandom(3 << 20)}  # fmt: skip
        (ada.tree / "run.sh").write_text("#!/bin/sh\n")
        (ada.tree / "run.sh").chmod(0o755)
        ada.commit(files)
        write(home, ada, tmp_path / "out")
        assert listing(tmp_path / "out") == {*files, "a", "a/b", "run.sh", "index.html"}
        for name, content in files.items():
            assert (tmp_path / "out" / name).read_bytes() == (content if isinstance(content, bytes) else content.encode())
        assert os.access(tmp_path / "out" / "run.sh", os.X_OK)
        assert not os.access(tmp_path / "out" / "index.html", os.X_OK)

    def test_a_name_that_is_not_utf8_is_kept(self, home: Home, ada: Person, tmp_path: Path) -> None:
        commit = hostile_commit(ada, ("100644", b"caf\xe9", blob(ada, b"x")))
        write(home, ada, tmp_path / "out", commit)
        assert [os.fsencode(path.name) for path in (tmp_path / "out").iterdir()] == [b"caf\xe9"]

    def test_it_equals_what_git_checks_out(self, home: Home, ada: Person, tmp_path: Path) -> None:
        ada.commit({f"d{number % 7}/f{number}": f"{number}\n" * number for number in range(300)})
        write(home, ada, tmp_path / "out")
        subprocess.run(["diff", "-r", "--exclude=.git", str(ada.tree), str(tmp_path / "out")], check=True)

    def test_no_attribute_of_the_repository_changes_what_is_written(self, home: Home, ada: Person, tmp_path: Path) -> None:
        ada.commit(
            {
                ".gitattributes": "*.txt export-subst eol=crlf\nsecret export-ignore\n*.x filter=evil\n",
                "a.txt": "$Format:%H$\n",
                "secret": "s",
                "b.x": "x",
            }
        )
        write(home, ada, tmp_path / "out")
        assert (tmp_path / "out/a.txt").read_bytes() == b"$Format:%H$\n"
        assert (tmp_path / "out/secret").exists()

    def test_lfs_pointers_are_mentioned(self, home: Home, ada: Person, tmp_path: Path) -> None:
        ada.commit({"movie.mp4": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"})
        assert any("Git LFS" in line for line in write(home, ada, tmp_path / "out"))

    def test_three_thousand_files_are_written_whole(self, home: Home, ada: Person, tmp_path: Path) -> None:
        ada.commit({f"d{number % 50}/f{number}": f"{number}\n" * 50 for number in range(3000)})
        write(home, ada, tmp_path / "out")
        found = {str(path.relative_to(tmp_path / "out")): path.read_text() for path in (tmp_path / "out").glob("d*/f*")}
        assert found == {f"d{number % 50}/f{number}": f"{number}\n" * 50 for number in range(3000)}

    def test_the_tree_of_a_commit_is_told(self, ada: Person) -> None:
        assert tree_of(ada.tree / ".git", ada.head()) == ada.head("HEAD^{tree}")
        with pytest.raises(NotFound):
            tree_of(ada.tree / ".git", "a" * 40)


class TestSymlinks:
    def test_links_inside_stay_and_links_outside_are_left_out(self, home: Home, ada: Person, tmp_path: Path) -> None:
        (ada.tree / "sub/deep").mkdir(parents=True)
        links = {"inside": "index.html", "sub/up": "../index.html", "later": "made/by/build", "loop": "loop",
                 "absolute": "/etc/passwd", "above": "../secret", "sub/deep/far": "../../../secret", "root": "..",
                 "down": "sub/deep", "tricky": "down/../../../secret"}  # fmt: skip
        for name, destination in links.items():
            (ada.tree / name).symlink_to(destination)
        ada.commit({"sub/deep/file": "x"})
        (tmp_path / "secret").write_text("s")
        log = write(home, ada, tmp_path / "out")
        out = tmp_path / "out"
        assert {name for name in links if (out / name).is_symlink()} == {"inside", "sub/up", "later", "loop", "down"}
        assert (out / "inside").read_text() == "<h1>one</h1>\n"
        assert sum("leads out" in line for line in log) == 5

    def test_a_link_that_leaves_through_another_link_is_left_out(self, home: Home, ada: Person, tmp_path: Path) -> None:
        """By its letters `p/q/x` stays inside; on the disk `l` is a folder at the top, so two steps up from it are outside."""
        (ada.tree / "p/q").mkdir(parents=True)
        (ada.tree / "p/q/l").symlink_to("../../top")
        (ada.tree / "p/q/x").symlink_to("l/../../secret")
        ada.commit({"top/file": "x"})
        (tmp_path / "secret").write_text("s")
        write(home, ada, tmp_path / "out")
        assert (tmp_path / "out/p/q/l").is_symlink()
        assert not (tmp_path / "out/p/q/x").is_symlink()

    def test_nothing_is_written_through_a_link(self, home: Home, ada: Person, tmp_path: Path) -> None:
        """A tree that names `a` twice, as a link to outside and as a folder with a file in it."""
        (tmp_path / "outside").mkdir()
        inner = hostile_commit(ada, ("100644", b"file", blob(ada, b"pwned")))
        link = blob(ada, os.fsencode(tmp_path / "outside"))
        commit = hostile_commit(ada, ("120000", b"a", link), ("40000", b"a", ada.head(f"{inner}^{{tree}}")))
        with pytest.raises(Invalid) as caught:
            write(home, ada, tmp_path / "out", commit)
        assert caught.value.code == "unsafe_tree"
        assert listing(tmp_path / "outside") == set()


class TestRefused:
    @pytest.mark.parametrize("name", [b"..", b".", b".git", b".GIT", b"a/b", b"../../outside", b"/abs", b""])
    def test_a_name_that_could_lead_elsewhere(self, home: Home, ada: Person, tmp_path: Path, name: bytes) -> None:
        commit = hostile_commit(ada, ("100644", name, blob(ada, b"x")))
        with pytest.raises(Invalid) as caught:
            write(home, ada, tmp_path / "in/out", commit)
        assert caught.value.code == "unsafe_tree"
        assert listing(tmp_path / "in") <= {"out"}

    def test_two_files_of_one_name(self, home: Home, ada: Person, tmp_path: Path) -> None:
        commit = hostile_commit(ada, ("100644", b"a", blob(ada, b"x")), ("100644", b"a", blob(ada, b"y")))
        with pytest.raises(Invalid):
            write(home, ada, tmp_path / "out", commit)

    def test_a_name_too_long_for_the_disk(self, home: Home, ada: Person, tmp_path: Path) -> None:
        commit = hostile_commit(ada, ("100644", b"a" * 300, blob(ada, b"x")))
        with pytest.raises(Invalid):
            write(home, ada, tmp_path / "out", commit)

    def test_a_tree_that_unfolds_without_end(self, home: Home, ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checkouts, "MAX_ENTRIES", 3000)
        tree = ada.head("HEAD^{tree}")
        for _ in range(8):
            commit = hostile_commit(ada, *[("40000", f"d{number}".encode(), tree) for number in range(10)])
            tree = ada.head(f"{commit}^{{tree}}")
        with pytest.raises(TooLarge) as caught:
            write(home, ada, tmp_path / "out", commit)
        assert caught.value.code == "source_too_large"

    def test_more_bytes_than_are_accepted(self, home: Home, ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checkouts, "MAX_BYTES", 10_000)
        ada.commit({"big": b"x" * 20_000})
        with pytest.raises(TooLarge):
            write(home, ada, tmp_path / "out")

    def test_a_commit_that_is_not_there(self, home: Home, ada: Person, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            checkout(ada.tree / ".git", "a" * 40, tmp_path / "out", Log(), home=home)
