"""Pull requests of hosted repositories, over HTTP."""

from pathlib import Path

import pytest

from canonry.core.access import Scope
from canonry.features.deployments import committed
from canonry.features.git import hosted_repository
from canonry.features.git.contents import Author, commit_files, create_branch, file_at, list_branches
from canonry.features.git.repositories import service as repositories
from canonry.features.git.repositories import store
from tests.support.api import Api
from tests.support.between import once_before
from tests.support.git import Person

BEA = Author("Bea", "bea@example.com")
LOGIN = "docs/specs/login.md"


@pytest.fixture
def folder(api: Api, ada: Person) -> Path:
    """A repository `handbook` with `main`, and a branch `edit` that changed one file."""
    body = api.ask("POST", "/v1/repositories", {"name": "handbook"}).json["repository"]
    bare = hosted_repository(api.container.home, body["id"])
    ada.git("checkout", "--quiet", "-b", "edit")
    ada.commit({LOGIN: "# Login\n\nMore.\n"}, "Say more")
    ada.git("push", "--quiet", str(bare), "main", "edit")
    api.ask("POST", "/v1/repositories/handbook/refresh")
    return bare


def _open(api: Api, **fields: str) -> int:
    answer = api.ask("POST", "/v1/repositories/handbook/pulls", {"title": "Say more", "head": "edit", **fields})
    assert answer.status == 201, answer.body
    return int(answer.json["pull_request"]["number"])


def _show(api: Api, number: int) -> dict[str, object]:
    return dict(api.get(f"/v1/repositories/handbook/pulls/{number}")["pull_request"])


def test_it_says_what_it_brings(api: Api, folder: Path, ada: Person) -> None:
    number = _open(api, body="why")
    shown = _show(api, number)
    assert (shown["number"], shown["state"], shown["base"], shown["body"], shown["mergeable"]) == (1, "open", "main", "why", True)
    assert shown["commits"] == [{"sha": ada.head("edit"), "subject": "Say more", "author": "Ada"}]
    assert shown["files"] == [LOGIN]
    assert "+More." in api.get(f"/v1/repositories/handbook/pulls/{number}/diff")["diff"]
    listed = api.get("/v1/repositories/handbook/pulls?state=open")["pull_requests"]
    assert [item["number"] for item in listed] == [1]
    assert folder.is_dir()


def test_merged_it_is_on_the_base_and_stays_to_be_read(api: Api, folder: Path, ada: Person) -> None:
    number = _open(api)
    api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/reviews", {"verdict": "approved", "body": "Good."})
    merged = api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/merge", {"head": ada.head("edit")}).json["pull_request"]
    assert merged["state"] == "merged"
    assert list_branches(folder)["main"] == merged["merge_commit"]
    assert api.get("/v1/repositories/handbook")["repository"]["head"] == merged["merge_commit"]
    ada.git("push", "--quiet", str(folder), ":edit")
    shown = _show(api, number)
    assert [item["verdict"] for item in shown["reviews"]] == ["approved"]  # type: ignore[attr-defined]
    assert (shown["files"], [item["subject"] for item in shown["commits"]]) == ([LOGIN], ["Say more"])  # type: ignore[attr-defined]
    assert api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/merge", {}).error == (409, "pull_request_ended")
    repository = api.get("/v1/repositories/handbook")["repository"]
    with api.container.transactions.begin() as tx:
        assert not repositories.look_again(api.container.transactions, api.container.home, repositories.get_any(tx, repository["id"]))


def test_conflicts_are_named_and_nothing_moves(api: Api, folder: Path) -> None:
    number = _open(api)
    theirs = commit_files(folder, "main", {LOGIN: (b"other\n", file_at(folder, "main", LOGIN).sha)}, BEA, "other")
    shown = _show(api, number)
    assert (shown["mergeable"], shown["conflicts"]) == (False, [LOGIN])
    assert api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/merge", {}).error == (409, "merge_conflict")
    assert list_branches(folder)["main"] == theirs.commit
    assert _show(api, number)["state"] == "open"


def test_a_branch_that_moved_since_somebody_looked_is_not_merged(api: Api, folder: Path, ada: Person) -> None:
    number, looked_at = _open(api), ada.head("edit")
    commit_files(folder, "edit", {"new.md": (b"x", None)}, BEA, "one more")
    answer = api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/merge", {"head": looked_at})
    assert answer.error == (409, "head_moved")
    assert len(_show(api, number)["commits"]) == 2  # type: ignore[arg-type]


def test_a_merge_that_was_killed_half_way_is_finished_by_the_next(api: Api, folder: Path, ada: Person) -> None:
    number = _open(api)
    ada.git("checkout", "--quiet", "main")
    ada.git("merge", "--quiet", "--no-ff", "-m", "merged by a process that died", "edit")
    ada.git("push", "--quiet", str(folder), "main")
    assert api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/merge", {}).json["pull_request"]["state"] == "merged"
    assert list_branches(folder)["main"] == ada.head("main")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"head": "main"}, (400, "same_branch")),
        ({"head": "nowhere"}, (404, "ref_not_found")),
        ({"base": "nowhere"}, (404, "ref_not_found")),
        ({"head": "--output=x"}, (400, "invalid_ref")),
        ({"head": "main", "base": "edit"}, (409, "nothing_to_merge")),
        ({"title": " "}, (400, "validation_failed")),
    ],
)  # fmt: skip
def test_what_cannot_be_proposed_is_refused(api: Api, folder: Path, fields: dict[str, str], error: tuple[int, str]) -> None:
    assert api.ask("POST", "/v1/repositories/handbook/pulls", {"title": "x", "head": "edit", **fields}).error == error
    assert folder.is_dir()


def test_two_open_ones_of_the_same_branches_are_refused_and_a_closed_one_is_in_nobodys_way(api: Api, folder: Path) -> None:
    number = _open(api)
    assert api.ask("POST", "/v1/repositories/handbook/pulls", {"title": "x", "head": "edit"}).error == (409, "pull_request_exists")
    assert api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/close").json["pull_request"]["state"] == "closed"
    assert api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/close").error == (409, "pull_request_ended")
    assert _open(api) == 2
    assert "edit" in list_branches(folder)


def test_a_comment_needs_words_and_a_reader_may_say_nothing(api: Api, folder: Path) -> None:
    number = _open(api)
    path = f"/v1/repositories/handbook/pulls/{number}/reviews"
    assert api.ask("POST", path, {"verdict": "commented"}).error == (400, "empty_review")
    assert api.ask("POST", path, {"verdict": "approved"}, token=api.owner.tokens[Scope.READ]).error == (403, "insufficient_scope")
    assert _show(api, number)["reviews"] == []
    assert folder.is_dir()


def test_a_merge_into_the_branch_of_a_project_is_deployed_once(api: Api, ada: Person) -> None:
    slug = api.project("shop")
    project_id = api.get("/v1/projects/shop")["id"]
    bare = hosted_repository(api.container.home, project_id)
    ada.commit({"index.html": "one"}, "A page")
    ada.git("clone", "--quiet", "--bare", str(ada.tree), str(bare))
    ada.git("checkout", "--quiet", "-b", "edit")
    ada.commit({"index.html": "two"}, "Another")
    ada.git("push", "--quiet", str(bare), "edit")
    repositories.look_at_all(api.container.transactions, api.container.home)
    api.ask("POST", f"/v1/repositories/{slug}/pulls", {"title": "Another", "head": "edit"})
    merged = api.ask("POST", f"/v1/repositories/{slug}/pulls/1/merge", {}).json["pull_request"]["merge_commit"]
    repository = api.get(f"/v1/repositories/{slug}")["repository"]
    for _ in range(2):
        committed.deploy(api.container, repository["id"])
    found = api.get(f"/v1/projects/{slug}/deployments")["deployments"]
    assert [item["commit"] for item in found] == [merged]


def test_of_two_merges_at_once_both_are_deployed(api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project("shop")
    bare = hosted_repository(api.container.home, api.get("/v1/projects/shop")["id"])
    ada.commit({"index.html": "one"}, "A page")
    ada.git("clone", "--quiet", "--bare", str(ada.tree), str(bare))
    for name in ("first", "second"):
        ada.git("checkout", "--quiet", "-B", name, "main")
        ada.commit({f"{name}.html": name}, name)
        ada.git("push", "--quiet", str(bare), name)
    repositories.look_at_all(api.container.transactions, api.container.home)
    for name in ("first", "second"):
        api.ask("POST", f"/v1/repositories/{slug}/pulls", {"title": name, "head": name})
    once_before(monkeypatch, store, "move_head", lambda: api.ask("POST", f"/v1/repositories/{slug}/pulls/2/merge", {}))
    assert api.ask("POST", f"/v1/repositories/{slug}/pulls/1/merge", {}).json["pull_request"]["state"] == "merged"
    for _ in range(2):
        committed.deploy(api.container, api.get(f"/v1/repositories/{slug}")["repository"]["id"])
    assert api.get(f"/v1/projects/{slug}/deployments")["deployments"][0]["commit"] == list_branches(bare)["main"]
    assert _show_of(api, slug, 2) == "merged"


def _show_of(api: Api, name: str, number: int) -> str:
    return str(api.get(f"/v1/repositories/{name}/pulls/{number}")["pull_request"]["state"])


def test_a_merge_is_checked_as_a_push_would_be(api: Api, folder: Path) -> None:
    asks = b"specs:\n  doc_paths: ['docs/**/*.md']\n  check_pushes: true\n"
    stands = commit_files(folder, "main", {"CANON.yaml": (asks, None)}, BEA, "Check").commit
    number = _open(api)
    answer = api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/merge", {})
    assert answer.error == (400, "specs_refused")
    assert f"{LOGIN}:1:1" in answer.json["message"]
    assert (answer.json["issues"][0]["path"], answer.json["issues"][0]["code"]) == (f"{LOGIN}:1:1", "frontmatter.title")
    assert list_branches(folder)["main"] == stands
    assert _show(api, number)["state"] == "open"
    good = b"---\ntitle: Login\n---\n\n# Login\n"
    commit_files(folder, "edit", {LOGIN: (good, file_at(folder, "edit", LOGIN).sha)}, BEA, "Title")
    assert api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/merge", {}).json["pull_request"]["state"] == "merged"


def test_a_merge_does_not_end_the_check(api: Api, folder: Path) -> None:
    asks = commit_files(folder, "main", {"CANON.yaml": (b"specs: {check_pushes: true}\n", None)}, BEA, "Check")
    commit_files(folder, "edit", {"SPECWRIGHT.yaml": (b"team: a\n", None)}, BEA, "Harmless, the other name counts")
    commit_files(folder, "edit", {LOGIN: (None, file_at(folder, "edit", LOGIN).sha)}, BEA, "Without the spec")
    number = _open(api)
    assert api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/merge", {}).json["pull_request"]["state"] == "merged"
    api.ask("POST", "/v1/repositories/handbook/refresh")
    create_branch(folder, "ends", "main")
    commit_files(folder, "ends", {"CANON.yaml": (None, asks.shas["CANON.yaml"])}, BEA, "No more")
    number = _open(api, head="ends")
    answer = api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/merge", {})
    assert answer.error == (400, "specs_refused")
    assert answer.json["issues"][0]["code"] == "config.check_ended"
