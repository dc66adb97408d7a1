"""Reading commits of a bare repository."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.core.errors import Invalid, NotFound, TooLarge, Unavailable
from canonry.features.git.contents import Change, changes, content_at, file_at, files_at, list_branches, read_blobs, spec_check
from canonry.features.git.contents.reading import LARGEST
from canonry.features.git.sharing.rule import declares_workspace
from tests.support.git import Person


class TestFiles:
    def test_a_file_comes_with_gits_own_blob_id(self, repository: Path, ada: Person) -> None:
        file = file_at(repository, "main", "docs/specs/login.md")
        assert file.content == b"# Login\n"
        assert file.sha == ada.head("HEAD:docs/specs/login.md")
        assert file.commit == ada.head()
        assert file_at(repository, ada.head(), "README.md").content == b"# one\n"

    @pytest.mark.parametrize("path", ["docs", "docs/specs", "nowhere.md", "README.md/x", "docs/specs/Login.md"])
    def test_what_is_no_file_is_not_found(self, repository: Path, path: str) -> None:
        with pytest.raises(NotFound) as caught:
            file_at(repository, "main", path)
        assert caught.value.code == "file_not_found"

    def test_links_and_submodules_are_not_followed(self, repository: Path, ada: Person) -> None:
        (ada.tree / "link.md").symlink_to("/etc/passwd")
        (ada.tree / "folder").symlink_to("docs")
        head = ada.commit({})
        ada.git("update-index", "--add", "--cacheinfo", f"160000,{head},sub")
        ada.git("commit", "--quiet", "-m", "A submodule")
        ada.git("push", "--quiet", str(repository), "main")
        for path in ("link.md", "folder/big.md", "sub", "sub/README.md"):
            with pytest.raises(NotFound):
                file_at(repository, "main", path)
        kinds = {file.path: file.is_file for file in files_at(repository, ada.head())}
        assert kinds == {
            "README.md": True,
            "docs/big.md": True,
            "docs/specs/login.md": True,
            "folder": False,
            "link.md": False,
            "sub": False,
        }

    def test_names_and_refs_are_checked_first(self, repository: Path) -> None:
        with pytest.raises(Invalid, match="git's own folder"):
            file_at(repository, "main", ".git/config")
        with pytest.raises(Invalid):
            file_at(repository, "--upload-pack=x", "README.md")
        for ref in ("nowhere", "0" * 40):
            with pytest.raises(NotFound) as caught:
                file_at(repository, ref, "README.md")
            assert caught.value.code == "ref_not_found"

    def test_an_empty_repository_says_so(self, empty: Path, tmp_path: Path) -> None:
        assert list_branches(empty) == {}
        with pytest.raises(NotFound):
            file_at(empty, "main", "README.md")
        with pytest.raises(NotFound) as caught:
            list_branches(tmp_path / "none.git")
        assert caught.value.code == "no_repository"

    def test_names_that_are_not_utf8_are_left_out(self, repository: Path, ada: Person) -> None:
        (ada.tree / "a\udcff.md").write_bytes(b"x")
        ada.commit({"ü.md": "x"})
        ada.git("push", "--quiet", str(repository), "main")
        assert [file.path for file in files_at(repository, ada.head())] == ["README.md", "docs/big.md", "docs/specs/login.md", "ü.md"]

    def test_a_damaged_repository_is_an_error_of_its_own(self, repository: Path, ada: Person) -> None:
        with pytest.raises(Unavailable):
            files_at(repository, ada.head()[:-1] + ("0" if ada.head()[-1] != "0" else "1"))


class TestLargeFiles:
    def test_they_are_not_read_into_memory(self, repository: Path, ada: Person) -> None:
        ada.commit({"docs/large.md": "x" * (LARGEST + 1), "docs/just.md": "x" * LARGEST})
        ada.git("push", "--quiet", str(repository), "main")
        assert len(file_at(repository, "main", "docs/just.md").content) == LARGEST
        for read in (file_at, content_at):
            with pytest.raises(TooLarge) as caught:
                read(repository, "main", "docs/large.md")
            assert caught.value.code == "file_too_large"

    def test_they_are_no_declared_workspace_and_ask_for_no_check(self, repository: Path, ada: Person) -> None:
        before = ada.head()
        ada.commit({"package.json": " " * (LARGEST + 1), "CANON.yaml": "#" * (LARGEST + 1)})
        ada.git("push", "--quiet", str(repository), "main")
        assert not declares_workspace(repository, ada.head())
        spec_check(repository, is_default=True)(before, ada.head())


class TestManyBlobs:
    def test_they_come_in_the_order_asked_for(self, repository: Path, ada: Person) -> None:
        shas = [ada.head("HEAD:docs/big.md"), "1" * 40, ada.head("HEAD:README.md"), ada.head("HEAD^{tree}")]
        found = list(read_blobs(repository, shas, limit=1000))
        assert [sha for sha, _ in found] == shas
        assert [content for _, content in found] == [None, None, b"# one\n", None]

    def test_a_thousand_go_through_one_pipe(self, repository: Path, ada: Person) -> None:
        ada.commit({f"many/{number}.md": f"{number}\n" * 200 for number in range(1000)})
        ada.git("push", "--quiet", str(repository), "main")
        files = [file for file in files_at(repository, ada.head()) if file.path.startswith("many/")]
        found = dict(read_blobs(repository, (file.sha for file in files), limit=1 << 20))
        assert len(found) == 1000
        assert all(found[file.sha] == (file.path[5:-3] + "\n").encode() * 200 for file in files)


class TestChanges:
    def test_each_kind_is_told(self, repository: Path, ada: Person) -> None:
        before = ada.head()
        ada.git("mv", "docs/big.md", "docs/moved.md")
        ada.git("rm", "-q", "README.md")
        after = ada.commit({"docs/specs/login.md": "# Login 2\n", "new.md": "x"})
        ada.git("push", "--quiet", str(repository), "main")
        found = {change.path: change.sha for change in changes(repository, before, after)}
        assert found == {
            "README.md": None,
            "docs/big.md": None,
            "docs/moved.md": ada.head("HEAD:docs/moved.md"),
            "docs/specs/login.md": ada.head("HEAD:docs/specs/login.md"),
            "new.md": ada.head("HEAD:new.md"),
        }
        assert changes(repository, after, after) == []
        assert [change.path for change in changes(repository, None, before)] == ["README.md", "docs/big.md", "docs/specs/login.md"]

    def test_a_file_that_becomes_a_link_is_no_file_any_more(self, repository: Path, ada: Person) -> None:
        before = ada.head()
        (ada.tree / "README.md").unlink()
        (ada.tree / "README.md").symlink_to("docs/big.md")
        after = ada.commit({})
        ada.git("push", "--quiet", str(repository), "main")
        assert changes(repository, before, after) == [Change("README.md", ada.head("HEAD:README.md"), is_file=False)]

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        steps=st.lists(
            st.dictionaries(st.sampled_from(["a.md", "b.md", "d/a.md", "d/e/f.md"]), st.integers(0, 2), max_size=4), min_size=1, max_size=4
        )
    )
    def test_applied_to_the_old_files_they_give_the_new_ones(self, repository: Path, ada: Person, steps: list[dict[str, int]]) -> None:
        commits = [ada.head()]
        for files in steps:
            for path in ("a.md", "b.md", "d/a.md", "d/e/f.md"):
                (ada.tree / path).unlink(missing_ok=True)
            commits.append(ada.commit({path: str(number) for path, number in files.items()}))
        ada.git("push", "--quiet", "--force", str(repository), "main")
        for before, after in ((before, after) for before in commits for after in commits):
            state = {file.path: file.sha for file in files_at(repository, before)}
            for change in changes(repository, before, after):
                state.pop(change.path, None)
                if change.sha:
                    state[change.path] = change.sha
            assert state == {file.path: file.sha for file in files_at(repository, after)}
