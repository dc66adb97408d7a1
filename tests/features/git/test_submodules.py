"""Submodules: fetched through mirrors, and nothing in `.gitmodules` is believed."""

from itertools import pairwise
from pathlib import Path

import pytest

from canonry.core.errors import CanonryError, Invalid
from canonry.core.paths import Home
from canonry.features.git import checkout, fetch_mirror
from canonry.features.git.submodules import resolve_url
from canonry.features.git.targets import Targets
from tests.support.git import Person


class Log(list[str]):
    def __call__(self, line: str) -> None:
        self.append(line)


def deploy(home: Home, person: Person, target: Path) -> Log:
    """Fetch and check out as a deployment does."""
    log = Log()
    mirror, commit = fetch_mirror(home, person.url, "main", log, targets=Targets(files=True))
    assert checkout(mirror, commit.sha, target, log, home=home, url=person.url, targets=Targets(files=True)) == commit.tree
    return log


def link(person: Person, path: str, commit: str, url: str, name: str = "lib") -> None:
    """Add a submodule by hand, so that nothing of git's own checks helps."""
    (person.tree / ".gitmodules").write_text(f'[submodule "{name}"]\n\tpath = {path}\n\turl = {url}\n')
    person.git("add", ".gitmodules")
    person.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    person.git("commit", "--quiet", "-m", "submodule")


@pytest.fixture
def library(tmp_path: Path) -> Person:
    person = Person(tmp_path / "library")
    person.commit({"lib.py": "VERSION = 1\n"})
    return person


class TestFetched:
    def test_the_commit_that_is_linked_is_written_not_the_newest(self, home: Home, ada: Person, library: Person, tmp_path: Path) -> None:
        link(ada, "vendor/lib", library.head(), library.url)
        library.commit({"lib.py": "VERSION = 2\n"})
        log = deploy(home, ada, tmp_path / "out")
        assert (tmp_path / "out/vendor/lib/lib.py").read_text() == "VERSION = 1\n"
        assert "Submodule vendor/lib" in log

    def test_a_relative_address_starts_at_the_repositorys_own(self, home: Home, ada: Person, library: Person, tmp_path: Path) -> None:
        link(ada, "lib", library.head(), "../library")
        deploy(home, ada, tmp_path / "out")
        assert (tmp_path / "out/lib/lib.py").exists()

    def test_submodules_of_submodules_come_too(self, home: Home, ada: Person, library: Person, tmp_path: Path) -> None:
        middle = Person(tmp_path / "middle")
        link(middle, "inner", library.head(), "../library")
        link(ada, "outer", middle.head(), middle.url)
        deploy(home, ada, tmp_path / "out")
        assert (tmp_path / "out/outer/inner/lib.py").exists()

    def test_a_link_that_gitmodules_does_not_mention_leaves_an_empty_folder(self, home: Home, ada: Person, tmp_path: Path) -> None:
        ada.git("update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},stray")
        ada.git("commit", "--quiet", "-m", "stray")
        deploy(home, ada, tmp_path / "out")
        assert list((tmp_path / "out/stray").iterdir()) == []


class TestRefused:
    def test_repositories_that_hold_each_other_end(self, home: Home, tmp_path: Path) -> None:
        chain = [Person(tmp_path / f"p{number}") for number in range(8)]
        chain[0].commit({"a": "a"})
        for before, person in pairwise(chain):
            link(person, "next", before.head(), before.url)
        with pytest.raises(Invalid) as caught:
            deploy(home, chain[-1], tmp_path / "out")
        assert caught.value.code == "submodules_too_deep"

    @pytest.mark.parametrize(
        ("url", "name"),
        [("-u./payload", "lib"), ("--upload-pack=touch x", "lib"), ("ext::sh -c 'touch pwned'", "lib"), ("file:///etc", "../../hooks"),
         ("https://x.com/a", "../evil"), ("ssh://-oProxyCommand=x/a", "lib"), ("http://169.254.169.254/a", "lib")],
    )  # fmt: skip
    def test_a_hostile_gitmodules(self, home: Home, ada: Person, library: Person, tmp_path: Path, url: str, name: str) -> None:
        """At the door, by git's own check, or here: CVE-2018-11235 and its kin."""
        link(ada, "lib", library.head(), url, name)
        with pytest.raises(CanonryError) as caught:
            deploy(home, ada, tmp_path / "out")
        assert caught.value.code in {"unsafe_repository", "unsafe_submodule", "invalid_repository_url"}
        with pytest.raises(CanonryError) as caught:
            checkout(ada.tree / ".git", ada.head(), tmp_path / "straight", Log(), home=home)
        assert caught.value.code in {"unsafe_submodule", "invalid_repository_url"}

    def test_a_file_address_inside_a_repository_from_elsewhere(self, home: Home, ada: Person, library: Person, tmp_path: Path) -> None:
        link(ada, "lib", library.head(), library.url)
        with pytest.raises(Invalid):
            checkout(ada.tree / ".git", ada.head(), tmp_path / "out", Log(), home=home)

    def test_a_relative_address_in_a_pushed_repository(self, home: Home, ada: Person, library: Person, tmp_path: Path) -> None:
        link(ada, "lib", library.head(), "../library")
        with pytest.raises(Invalid, match="https://"):
            checkout(ada.tree / ".git", ada.head(), tmp_path / "out", Log(), home=home, targets=Targets(files=True))


class TestResolveUrl:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [("../lib.git", "https://x.com/acme/lib.git"), ("./sub", "https://x.com/acme/site.git/sub"), ("../../other/lib", "https://x.com/other/lib"),
         ("git@github.com:acme/lib.git", "https://github.com/acme/lib.git"), ("https://y.com/a", "https://y.com/a")],
    )  # fmt: skip
    def test_it_is_resolved_as_git_does(self, url: str, expected: str) -> None:
        assert resolve_url("lib", url, "https://x.com/acme/site.git") == expected

    def test_the_repositorys_own_login_goes_to_its_own_host_only(self) -> None:
        assert resolve_url("lib", "../lib", "https://t:k@x.com/acme/site") == "https://t:k@x.com/acme/lib"

    @pytest.mark.parametrize("url", ["../../../x", "../../../../etc/x", "", "-x"])
    def test_it_never_leaves_the_host(self, url: str) -> None:
        with pytest.raises(Invalid):
            resolve_url("lib", url, "https://x.com/acme/site.git")
