"""Repositories that Canonry hosts, without the network."""

import os

import pytest

from canonry.core.errors import Conflict, Invalid, NotFound
from canonry.core.paths import Home
from canonry.features.git import branch_exists, checkout, head_of, hosted_repository, remove_repository, resolve_hosted
from canonry.features.git.hosted import ensure_hosted, hold_for_push
from tests.support.git import Person


@pytest.fixture
def pushed(home: Home, ada: Person) -> str:
    repository = ensure_hosted(home, "prj_1", "main")
    ada.git("push", "--quiet", str(repository), "main", "main:refs/tags/v1")
    return "prj_1"


class TestResolveHosted:
    def test_branch_tag_and_commits_are_found(self, home: Home, ada: Person, pushed: str) -> None:
        for ref in ("main", "v1", "refs/heads/main", ada.head(), ada.head()[:7], "HEAD"):
            assert resolve_hosted(home, pushed, ref).sha == ada.head()

    def test_what_is_not_there_is_said(self, home: Home, pushed: str) -> None:
        with pytest.raises(NotFound) as caught:
            resolve_hosted(home, pushed, "nowhere")
        assert caught.value.code == "ref_not_found"

    def test_a_project_without_a_push_says_what_to_do(self, home: Home) -> None:
        with pytest.raises(NotFound, match="git push"):
            resolve_hosted(home, "prj_2", "main")

    def test_a_branch_made_and_still_empty_is_not_found(self, home: Home) -> None:
        ensure_hosted(home, "prj_3", "main")
        with pytest.raises(NotFound):
            resolve_hosted(home, "prj_3", "main")

    @pytest.mark.parametrize("ref", ["-x", "main:x", "main^{tree}", "a b", "@{-1}"])
    def test_hostile_refs_are_refused(self, home: Home, pushed: str, ref: str) -> None:
        with pytest.raises(Invalid):
            resolve_hosted(home, pushed, ref)

    def test_a_checkout_of_it_works(self, home: Home, pushed: str) -> None:
        commit = resolve_hosted(home, pushed, "main")
        assert checkout(hosted_repository(home, pushed), commit.sha, home.builds / "x", [].append, home=home) == commit.tree
        assert (home.builds / "x/index.html").exists()


class TestBranches:
    def test_heads_are_told(self, home: Home, ada: Person, pushed: str) -> None:
        found = head_of(home, pushed, "main")
        assert found
        assert found.sha == ada.head()
        assert head_of(home, pushed, "v1") is None
        assert not branch_exists(home, "prj_9", "main")

    def test_the_default_branch_follows_the_project(self, home: Home, pushed: str) -> None:
        repository = ensure_hosted(home, pushed, "trunk")
        assert (repository / "HEAD").read_text() == "ref: refs/heads/trunk\n"


class TestRemove:
    def test_it_is_gone_and_twice_is_no_error(self, home: Home, pushed: str) -> None:
        remove_repository(home, pushed)
        remove_repository(home, pushed)
        assert list(home.repositories.iterdir()) == []

    def test_not_under_a_push(self, home: Home, pushed: str) -> None:
        descriptor = hold_for_push(hosted_repository(home, pushed))
        with pytest.raises(Conflict):
            remove_repository(home, pushed)
        os.close(descriptor)
        remove_repository(home, pushed)

    @pytest.mark.parametrize("identity", ["../x", "a/b", "", "x.git", "a\0b"])
    def test_an_id_is_never_a_path(self, home: Home, identity: str) -> None:
        with pytest.raises(NotFound):
            hosted_repository(home, identity)
