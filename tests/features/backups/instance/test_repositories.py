"""Bare repositories as bundles, each with the news only."""

import subprocess
from pathlib import Path

import pytest

from canonry.adapters.objects.folder import FolderObjects
from canonry.features.backups.instance.models import BundledRepository
from canonry.features.backups.instance.repositories import bundle, unbundle
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.key import new_key


class Repository:
    """A bare repository in a home, and a clone to push from."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.bare = self.home / "repositories" / "prj_1.git"
        self.work = root / "work"
        self.bare.parent.mkdir(parents=True)
        self.run("init", "-q", "--bare", "-b", "main", str(self.bare), where=root)
        self.run("init", "-q", "-b", "main", str(self.work), where=root)

    def run(self, *words: str, where: Path | None = None) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words]
        return subprocess.run(command, cwd=where or self.work, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, text: str, branch: str = "main") -> str:
        (self.work / "file").write_text(text)
        self.run("add", "-A")
        self.run("commit", "-q", "-m", text)
        self.run("push", "-q", "-f", str(self.bare), f"HEAD:{branch}")
        return self.run("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(FolderObjects(tmp_path / "archive"), new_key(), "platform-test")


def restored(tmp_path: Path, bundled: BundledRepository, archive: Archive) -> dict[str, str]:
    unbundle(tmp_path / "new", bundled, archive)
    bare = tmp_path / "new" / bundled.path
    subprocess.run(["git", f"--git-dir={bare}", "fsck", "--strict"], check=True, capture_output=True)
    lines = subprocess.run(["git", f"--git-dir={bare}", "for-each-ref", "--format=%(refname) %(objectname)"], check=True,
                           capture_output=True, text=True).stdout.splitlines()  # fmt: skip
    assert (bare / "HEAD").read_text().strip() == bundled.head
    return dict(line.split(" ") for line in lines)


def test_only_what_is_new_is_sent_and_all_of_it_comes_back(tmp_path: Path, repository: Repository, archive: Archive) -> None:
    repository.commit("one" * 1000)
    first = bundle(repository.home, repository.bare, "platform/p", archive, None)
    same = bundle(repository.home, repository.bare, "platform/p", archive, first)
    assert same.bundles == first.bundles
    repository.run("tag", "v1")
    repository.run("push", "-q", str(repository.bare), "v1")
    tagged = bundle(repository.home, repository.bare, "platform/p", archive, first)
    assert (tagged.bundles, "refs/tags/v1" in tagged.refs) == (first.bundles, True)  # a name for what is there already needs no bundle
    two = repository.commit("two")
    second = bundle(repository.home, repository.bare, "platform/p", archive, tagged)
    assert second.bundles[:-1] == first.bundles
    assert restored(tmp_path, second, archive) == {"refs/heads/main": two, "refs/tags/v1": tagged.refs["refs/tags/v1"]}


def test_a_rewritten_and_a_deleted_branch_come_back_as_they_are(tmp_path: Path, repository: Repository, archive: Archive) -> None:
    repository.commit("one")
    repository.commit("gone", "other")
    before = bundle(repository.home, repository.bare, "platform/p", archive, None)
    repository.run("checkout", "-q", "--orphan", "anew")
    new = repository.commit("anew")
    repository.run("push", "-q", str(repository.bare), ":other")
    after = bundle(repository.home, repository.bare, "platform/p", archive, before)
    assert restored(tmp_path, after, archive) == {"refs/heads/main": new}


def test_an_empty_repository_comes_back_empty(tmp_path: Path, repository: Repository, archive: Archive) -> None:
    bundled = bundle(repository.home, repository.bare, "platform/p", archive, None)
    assert (bundled.bundles, restored(tmp_path, bundled, archive)) == ((), {})


def test_after_many_bundles_one_with_everything_begins_anew(tmp_path: Path, repository: Repository, archive: Archive) -> None:
    bundled, newest = None, ""
    for number in range(23):
        newest = repository.commit(str(number))
        bundled = bundle(repository.home, repository.bare, "platform/p", archive, bundled)
    assert bundled is not None
    assert len(bundled.bundles) < 5
    assert restored(tmp_path, bundled, archive) == {"refs/heads/main": newest}
