"""Committing to a bare repository, merging, and the history of a file."""

import threading
from pathlib import Path

import pytest

from canonry.core.errors import CanonryError, Conflict, Invalid, NotFound
from canonry.features.git.contents import (
    Author,
    commit_files,
    create_branch,
    delete_branch,
    file_at,
    file_history,
    list_branches,
    merge,
    merge_base,
)
from canonry.features.git.contents.models import StaleFile
from tests.support.git import Person

BEA = Author("Bea <root>\n", "bea@example.com")
LOGIN = "docs/specs/login.md"


def _fsck(repository: Path, ada: Person) -> None:
    ada.git(f"--git-dir={repository}", "fsck", "--strict", "--no-dangling")


class TestCommit:
    def test_a_commit_appears_and_other_files_stay(self, repository: Path, ada: Person) -> None:
        sha = file_at(repository, "main", LOGIN).sha
        written = commit_files(repository, "main", {LOGIN: (b"# New\n", sha), "docs/deep/er/new.md": (b"x", None)}, BEA, "docs: update\n")
        assert written.before == ada.head()
        ada.git("pull", "--quiet", str(repository), "main")
        assert ada.head() == written.commit
        assert (ada.tree / LOGIN).read_text() == "# New\n"
        assert written.shas == {LOGIN: ada.head(f"HEAD:{LOGIN}"), "docs/deep/er/new.md": ada.head("HEAD:docs/deep/er/new.md")}
        assert ada.git("log", "-1", "--format=%an|%ae|%cn|%s").stdout.strip() == "Bea root|bea@example.com|Canonry|docs: update"
        assert (ada.tree / "docs/big.md").exists()
        _fsck(repository, ada)

    def test_a_stale_sha_is_refused_with_what_is_there(self, repository: Path) -> None:
        sha = file_at(repository, "main", LOGIN).sha
        commit_files(repository, "main", {LOGIN: (b"theirs", sha)}, BEA, "one")
        with pytest.raises(StaleFile) as caught:
            commit_files(repository, "main", {LOGIN: (b"mine", sha)}, BEA, "two")
        assert caught.value.code == "stale_file"
        assert caught.value.found is not None
        assert caught.value.found.content == b"theirs"
        with pytest.raises(StaleFile) as caught:
            commit_files(repository, "main", {"new.md": (b"mine", sha)}, BEA, "two")
        assert caught.value.found is None
        with pytest.raises(StaleFile):
            commit_files(repository, "main", {LOGIN: (b"mine", None)}, BEA, "it must not exist")

    def test_removing_the_last_file_of_a_folder_removes_the_folder(self, repository: Path, ada: Person) -> None:
        sha = file_at(repository, "main", LOGIN).sha
        written = commit_files(repository, "main", {LOGIN: (None, sha)}, BEA, "away")
        assert written.shas == {LOGIN: None}
        assert ada.git(f"--git-dir={repository}", "ls-tree", "--name-only", "main:docs").stdout.split() == ["big.md"]
        _fsck(repository, ada)

    def test_nothing_new_makes_no_commit(self, repository: Path, ada: Person) -> None:
        sha = file_at(repository, "main", LOGIN).sha
        assert commit_files(repository, "main", {LOGIN: (b"# Login\n", sha)}, BEA, "same").commit == ada.head()

    def test_the_first_commit_gives_birth_to_the_branch(self, empty: Path, ada: Person) -> None:
        written = commit_files(empty, "main", {"a.md": (b"a", None)}, BEA, "born")
        assert written.before is None
        assert list_branches(empty) == {"main": written.commit}
        _fsck(empty, ada)
        with pytest.raises(NotFound):
            commit_files(empty, "other", {"a.md": (b"a", None)}, BEA, "no such branch")

    def test_an_executable_file_stays_one(self, repository: Path, ada: Person) -> None:
        (ada.tree / "run.md").write_text("x")
        (ada.tree / "run.md").chmod(0o755)
        ada.commit({})
        ada.git("push", "--quiet", str(repository), "main")
        commit_files(repository, "main", {"run.md": (b"y", file_at(repository, "main", "run.md").sha)}, BEA, "edit")
        assert ada.git(f"--git-dir={repository}", "ls-tree", "main", "run.md").stdout.startswith("100755")

    @pytest.mark.parametrize("path", ["docs", "README.md/x", "link.md", "sub/x.md"])
    def test_nothing_is_written_through_what_is_no_folder(self, repository: Path, ada: Person, path: str) -> None:
        (ada.tree / "link.md").symlink_to("README.md")
        head = ada.commit({})
        ada.git("update-index", "--add", "--cacheinfo", f"160000,{head},sub")
        ada.git("commit", "--quiet", "-m", "A submodule")
        ada.git("push", "--quiet", str(repository), "main")
        with pytest.raises(Invalid) as caught:
            commit_files(repository, "main", {path: (b"x", None)}, BEA, "no")
        assert caught.value.code == "path_taken"
        assert list_branches(repository) == {"main": ada.head()}

    def test_of_concurrent_saves_of_one_file_one_wins(self, repository: Path, ada: Person) -> None:
        sha = file_at(repository, "main", LOGIN).sha
        won, lost = [], []
        start = threading.Barrier(8)

        def save(number: int) -> None:
            start.wait()
            try:
                won.append(commit_files(repository, "main", {LOGIN: (f"{number}".encode(), sha)}, BEA, f"save {number}").commit)
            except CanonryError as error:
                lost.append(error.code)

        threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        assert set(lost) <= {"stale_file", "branch_busy"}
        assert list_branches(repository)["main"] == won[0]
        assert ada.git(f"--git-dir={repository}", "rev-list", "--count", "main").stdout.strip() == "2"

    def test_concurrent_saves_of_different_files_all_arrive(self, repository: Path, ada: Person) -> None:
        failed: list[CanonryError] = []

        def save(number: int) -> None:
            while True:
                try:
                    commit_files(repository, "main", {f"n/{number}.md": (b"x", None)}, BEA, f"save {number}")
                except Conflict as error:
                    if error.code == "branch_busy":
                        continue
                    failed.append(error)
                return

        threads = [threading.Thread(target=save, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert ada.git(f"--git-dir={repository}", "ls-tree", "--name-only", "main:n").stdout.split() == [f"{n}.md" for n in range(6)]
        _fsck(repository, ada)


class TestBranches:
    def test_they_are_made_and_removed(self, repository: Path, ada: Person) -> None:
        create_branch(repository, "canon/edit-1", "main")
        assert list_branches(repository)["canon/edit-1"] == ada.head()
        with pytest.raises(Conflict) as caught:
            create_branch(repository, "canon/edit-1", "main")
        assert caught.value.code == "branch_exists"
        with pytest.raises(Invalid) as refused:
            create_branch(repository, "main/below", "main")
        assert refused.value.code == "invalid_ref"
        with pytest.raises(NotFound):
            create_branch(repository, "x", "nowhere")
        delete_branch(repository, "canon/edit-1")
        delete_branch(repository, "canon/edit-1")
        assert list(list_branches(repository)) == ["main"]


class TestMerge:
    def test_both_sides_are_there_afterwards(self, repository: Path, ada: Person) -> None:
        create_branch(repository, "edit", "main")
        commit_files(repository, "edit", {LOGIN: (b"edited", file_at(repository, "edit", LOGIN).sha)}, BEA, "edit")
        commit_files(repository, "main", {"README.md": (b"moved on", file_at(repository, "main", "README.md").sha)}, BEA, "main")
        assert merge_base(repository, "main", "edit") == ada.head()
        looked = merge(repository, "main", "edit", BEA, "Merge edit", dry=True)
        assert (looked.commit, looked.conflicts) == (None, ())
        merged = merge(repository, "main", "edit", BEA, "Merge edit")
        assert list_branches(repository)["main"] == merged.commit
        assert file_at(repository, "main", LOGIN).content == b"edited"
        assert file_at(repository, "main", "README.md").content == b"moved on"
        assert merge(repository, "main", "edit", BEA, "again").commit == merged.commit
        _fsck(repository, ada)

    def test_conflicts_are_named_and_nothing_moves(self, repository: Path) -> None:
        create_branch(repository, "edit", "main")
        sha = file_at(repository, "main", LOGIN).sha
        commit_files(repository, "edit", {LOGIN: (b"one", sha)}, BEA, "edit")
        theirs = commit_files(repository, "main", {LOGIN: (b"two", sha)}, BEA, "main")
        assert merge(repository, "main", "edit", BEA, "Merge").conflicts == (LOGIN,)
        assert list_branches(repository)["main"] == theirs.commit


class TestHistory:
    def test_a_renamed_file_keeps_its_past(self, repository: Path, ada: Person) -> None:
        ada.commit({"docs/big.md": "y" * 50 + "x" * 5000}, "Change it\n\nWith a body.")
        ada.git("mv", "docs/big.md", "docs/ü big.md")
        ada.commit({}, "Move it")
        ada.commit({"README.md": "not this"}, "Another file")
        ada.git("push", "--quiet", str(repository), "main")
        found = file_history(repository, ada.head(), "docs/ü big.md", 10)
        assert [(revision.subject, revision.path) for revision in found] == [
            ("Move it", "docs/ü big.md"), ("Change it", "docs/big.md"), ("First", "docs/big.md"),
        ]  # fmt: skip
        assert found[0].sha == ada.head("HEAD:docs/ü big.md")
        assert {revision.author for revision in found} == {"Ada"}
        assert file_history(repository, ada.head(), "docs/ü big.md", 1) == found[:1]
        assert file_history(repository, ada.head(), "nowhere.md", 10) == []

    def test_a_removed_file_says_so(self, repository: Path, ada: Person) -> None:
        ada.git("rm", "-q", "README.md")
        ada.commit({}, "Away")
        ada.git("push", "--quiet", str(repository), "main")
        assert file_history(repository, ada.head(), "README.md", 5)[0].sha is None
