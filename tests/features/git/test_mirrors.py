"""Mirrors: fetched once, then only what is new; nothing that is killed or broken stays broken."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from canonry.core.errors import CanonryError, Invalid, NotFound, Unavailable
from canonry.core.paths import Home
from canonry.features.git import Commit, checkout, fetch_mirror
from canonry.features.git.mirrors import mark_damaged
from canonry.features.git.targets import Targets
from tests.support.git import Person

SOURCE = str(Path(__file__).parents[3] / "src")


class Log(list[str]):
    """Takes log lines."""

    def __call__(self, line: str) -> None:
        self.append(line)


def fetch(home: Home, person: Person, ref: str | None = None) -> tuple[Path, Commit]:
    return fetch_mirror(home, person.url, ref, Log(), targets=Targets(files=True))


class TestWhatARefMeans:
    def test_no_ref_is_the_remotes_default_branch(self, home: Home, ada: Person) -> None:
        _, commit = fetch(home, ada)
        assert commit == Commit(ada.head(), ada.head("HEAD^{tree}"), "First page\n\nWith a body.", "Ada <ada@example.com>")
        assert commit.subject == "First page"

    def test_a_branch_a_tag_an_annotated_tag_and_commits_are_found(self, home: Home, ada: Person) -> None:
        first = ada.head()
        ada.git("tag", "light")
        ada.git("tag", "-a", "heavy", "-m", "tagged")
        ada.git("checkout", "--quiet", "-b", "feature/x")
        second = ada.commit({"b": "2"})
        expected = {"main": first, "light": first, "heavy": first, "refs/tags/light": first, "feature/x": second, second: second,
                    second[:8]: second, second.upper(): second}  # fmt: skip
        assert {ref: fetch(home, ada, ref)[1].sha for ref in expected} == expected

    def test_a_branch_wins_over_a_tag_of_the_same_name(self, home: Home, ada: Person) -> None:
        ada.git("tag", "same")
        ada.git("checkout", "--quiet", "-b", "same")
        second = ada.commit({"b": "2"})
        assert fetch(home, ada, "same")[1].sha == second

    def test_a_commit_that_no_branch_ends_at_is_found(self, home: Home, ada: Person) -> None:
        old = ada.head()
        ada.commit({"b": "2"})
        assert fetch(home, ada, old)[1].sha == old

    @pytest.mark.parametrize("ref", ["nowhere", "a" * 40, "abcdef1", "refs/heads/none"])
    def test_what_is_not_there_is_said_with_its_name(self, home: Home, ada: Person, ref: str) -> None:
        with pytest.raises(NotFound) as caught:
            fetch(home, ada, ref)
        assert caught.value.code == "ref_not_found"
        assert ref in caught.value.message

    def test_an_empty_repository_says_so(self, home: Home, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="empty"):
            fetch(home, Person(tmp_path / "nothing"))

    def test_a_branch_that_became_a_folder_of_branches_is_no_conflict(self, home: Home, ada: Person) -> None:
        ada.git("branch", "a")
        fetch(home, ada, "a")
        ada.git("branch", "-D", "a")
        ada.git("branch", "a/b")
        assert fetch(home, ada, "a/b")[1].sha == ada.head()

    def test_a_branch_that_was_rewritten_is_followed(self, home: Home, ada: Person) -> None:
        fetch(home, ada, "main")
        ada.git("commit", "--quiet", "--amend", "-m", "Rewritten")
        assert fetch(home, ada, "main")[1].message == "Rewritten"


class TestAgain:
    def test_the_second_fetch_takes_only_what_is_new(self, home: Home, ada: Person) -> None:
        ada.commit({f"f{number}": os.urandom(20_000) for number in range(300)})
        fetch(home, ada, "main")
        newest = ada.commit({"one": "more"})
        mirror, commit = fetch(home, ada, "main")
        assert commit.sha == newest
        smallest = min(path.stat().st_size for path in (mirror / "objects" / "pack").glob("*.pack"))
        assert smallest < 20_000  # against 6 MB

    def test_a_full_commit_that_is_there_asks_no_network(self, home: Home, ada: Person) -> None:
        commit = fetch(home, ada, "main")[1]
        ada.tree.rename(ada.tree.with_name("gone"))
        assert fetch(home, ada, commit.sha)[1] == commit
        with pytest.raises(NotFound):
            fetch(home, ada, "main")

    def test_many_fetches_do_not_leave_many_packs(self, home: Home, ada: Person) -> None:
        for number in range(45):
            ada.commit({"n": str(number)})
            mirror, commit = fetch(home, ada, "main")
        assert len(list((mirror / "objects" / "pack").glob("*.pack"))) < 42
        assert commit.sha == ada.head()

    def test_two_at_once_both_get_it(self, home: Home, ada: Person) -> None:
        found: list[str] = []
        threads = [threading.Thread(target=lambda: found.append(fetch(home, ada, "main")[1].sha)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [ada.head()] * 4


class TestBroken:
    def test_a_fetch_killed_in_the_middle_is_made_good_by_the_next(self, home: Home, ada: Person) -> None:
        for number in range(3):
            ada.commit({f"f{number}": os.urandom(10 << 20)})
        program = (f"import sys; sys.path.insert(0, {SOURCE!r}); from pathlib import Path; from canonry.core.paths import Home\n"
                   f"from canonry.features.git import Targets, fetch_mirror\n"
                   f"fetch_mirror(Home(Path({str(home.root)!r})), {ada.url!r}, 'main', print, targets=Targets(files=True))")  # fmt: skip
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stop = time.monotonic() + 60
        while not list(home.mirrors.glob("*.git/objects/pack/tmp_pack_*")):
            assert time.monotonic() < stop
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        mirror, commit = fetch(home, ada, "main")
        assert commit.sha == ada.head()
        assert not list((mirror / "objects" / "pack").glob("tmp_*"))

    def test_lock_files_of_a_killed_git_are_removed(self, home: Home, ada: Person) -> None:
        mirror, _ = fetch(home, ada, "main")
        kept = next(path for path in (mirror / "refs" / "canonry").rglob("*") if path.is_file())
        for lock in (mirror / "packed-refs.lock", mirror / "config.lock", mirror / "HEAD.lock", kept.with_name(kept.name + ".lock")):
            lock.touch()
        newest = ada.commit({"b": "2"})
        assert fetch(home, ada, "main")[1].sha == newest

    @pytest.mark.parametrize("damage", ["objects", "HEAD", "config", "pack", "garbage"])
    def test_a_damaged_mirror_is_fetched_anew(self, home: Home, ada: Person, damage: str) -> None:
        mirror, _ = fetch(home, ada, "main")
        if damage == "objects":
            subprocess.run(["rm", "-rf", str(mirror / "objects")], check=True)
        elif damage in {"HEAD", "config"}:
            (mirror / damage).write_bytes(b"\0broken")
        else:
            for path in (mirror / "objects" / "pack").glob("*.pack"):
                path.chmod(0o600)
                path.write_bytes(b"" if damage == "pack" else os.urandom(path.stat().st_size))
        newest = ada.commit({"b": "2"})
        assert fetch(home, ada, "main")[1].sha == newest

    def test_a_mirror_in_which_a_checkout_missed_something_is_fetched_anew(self, home: Home, ada: Person, tmp_path: Path) -> None:
        ada.commit({f"f{number}": os.urandom(3000) for number in range(5)})
        mirror, commit = fetch(home, ada, "main")
        for path in (mirror / "objects" / "pack").glob("*.pack"):
            path.chmod(0o600)
            data = bytearray(path.read_bytes())
            data[-4000:-100] = bytes(3900)
            path.write_bytes(data)
        with pytest.raises(Unavailable) as caught:
            checkout(mirror, commit.sha, tmp_path / "first", Log(), home=home)
        assert caught.value.code == "repository_damaged"
        mirror, again = fetch(home, ada, commit.sha)
        assert checkout(mirror, again.sha, tmp_path / "second", Log(), home=home) == commit.tree

    def test_marking_never_touches_a_hosted_repository(self, home: Home) -> None:
        hosted = home.repositories / "prj_1.git"
        hosted.mkdir()
        mark_damaged(home, hosted)
        assert list(hosted.iterdir()) == []


class TestRefused:
    def test_a_repository_that_is_not_there(self, home: Home, tmp_path: Path) -> None:
        with pytest.raises(NotFound) as caught:
            fetch_mirror(home, (tmp_path / "none").as_uri(), "main", Log(), targets=Targets(files=True))
        assert caught.value.code == "repository_not_found"

    def test_a_host_that_does_not_answer_is_named(self, home: Home) -> None:
        with pytest.raises(Unavailable) as caught:
            fetch_mirror(home, "http://ada:s3cret@127.0.0.1:9/a.git", "main", Log(), targets=Targets(everywhere=True))
        assert caught.value.code == "repository_unreachable"
        assert "s3cret" not in str(caught.value)
        assert "127.0.0.1:9" in caught.value.message

    @pytest.mark.parametrize("ref", ["--upload-pack=touch /tmp/pwned", "-c", "main;id", "$(id)", "a\nb", "main:refs/heads/x", "+main"])
    def test_hostile_refs_never_reach_git(self, home: Home, ada: Person, ref: str) -> None:
        with pytest.raises((Invalid, NotFound)):
            fetch(home, ada, ref)

    def test_a_file_address_needs_leave(self, home: Home, ada: Person) -> None:
        with pytest.raises(Invalid):
            fetch_mirror(home, ada.url, "main", Log())

    def test_a_tree_with_a_name_that_git_forbids_is_refused_at_the_door(self, home: Home, ada: Person) -> None:
        blob = ada.git("hash-object", "-w", "index.html").stdout.strip()
        data = b"100644 .git\0" + bytes.fromhex(blob)
        (ada.tree.parent / "tree").write_bytes(data)
        tree = ada.git("hash-object", "-t", "tree", "--literally", "-w", str(ada.tree.parent / "tree")).stdout.strip()
        commit = ada.git("commit-tree", tree, "-m", "evil").stdout.strip()
        ada.git("update-ref", "refs/heads/evil", commit)
        with pytest.raises(CanonryError) as caught:
            fetch(home, ada, "evil")
        assert caught.value.code == "unsafe_repository"

    def test_nobodys_own_settings_count(self, home: Home, ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "config").write_text('[url "file:///nowhere/"]\n\tinsteadOf = file://\n')
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
        assert fetch(home, ada, "main")[1].sha == ada.head()
