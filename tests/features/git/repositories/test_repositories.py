"""Repositories as objects: made, pushed to, announced, deleted."""

import os
from pathlib import Path

import pytest

from canonry.core.access import Scope
from canonry.core.errors import Unavailable
from canonry.features.git import hosted_repository, look_again
from canonry.features.git.hosted import hold_for_push, quick_head
from canonry.features.git.repositories import jobs, service
from tests.support.api import Api
from tests.support.git import Person
from tests.support.signing_in import work


def _events(api: Api) -> list[str]:
    return [event["name"] for event in api.get("/v1/activity")["events"]]


def test_one_is_made_listed_shown_and_deleted(api: Api) -> None:
    made = api.ask("POST", "/v1/repositories", {"name": "Handbook", "description": "what we do", "default_branch": "trunk"})
    assert made.status == 201
    body = made.json["repository"]
    assert (body["full_name"], body["default_branch"], body["head"], body["project_id"]) == ("ada/Handbook", "trunk", None, None)
    assert body["clone_url"].endswith("/git/ada/Handbook")
    assert api.get("/v1/repositories")["repositories"] == [body]
    assert api.get("/v1/repositories/handbook")["repository"] == body
    folder = hosted_repository(api.container.home, body["id"])
    assert folder.is_dir()
    assert api.ask("DELETE", f"/v1/repositories/{body['id']}").status == 204
    assert api.ask("GET", "/v1/repositories/handbook").error == (404, "repository_not_found")
    work(api)
    assert not folder.exists()
    assert not folder.with_suffix(".lock").exists()


@pytest.mark.parametrize("name", ["", "a/b", "..", "a..b", ".x", "-x", "x.git", "x.lock", "x.", "a b", "ü", "x" * 101])
def test_names_that_git_or_a_path_would_take_otherwise_are_refused(api: Api, name: str) -> None:
    answer = api.ask("POST", "/v1/repositories", {"name": name})
    assert answer.status == 400
    assert answer.json["issues"][0]["path"].endswith("name")


def test_one_that_somebody_pushes_to_is_not_deleted(api: Api) -> None:
    body = api.ask("POST", "/v1/repositories", {"name": "handbook"}).json["repository"]
    folder = hosted_repository(api.container.home, body["id"])
    held = hold_for_push(folder)
    try:
        assert api.ask("DELETE", f"/v1/repositories/{body['id']}").error == (409, "push_in_progress")
        assert api.get("/v1/repositories/handbook")["repository"] == body
        with pytest.raises(Unavailable):  # a push that began when the row had gone: the job comes again
            jobs.clear(api.container, body["id"])
        assert folder.is_dir()
    finally:
        os.close(held)
    assert api.ask("DELETE", f"/v1/repositories/{body['id']}").status == 204
    for _ in range(2):
        jobs.clear(api.container, body["id"])
    assert not folder.exists()


def test_one_that_cannot_be_noted_leaves_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(api.container.home.repositories.iterdir())
    monkeypatch.setattr(service.store, "insert", lambda *_, **__: False)
    assert api.ask("POST", "/v1/repositories", {"name": "handbook"}).error == (409, "repository_exists")
    assert set(api.container.home.repositories.iterdir()) == before


def test_a_name_is_had_once_by_a_repository_or_a_project(api: Api) -> None:
    api.ask("POST", "/v1/repositories", {"name": "handbook"})
    assert api.ask("POST", "/v1/repositories", {"name": "HANDBOOK"}).error == (409, "repository_exists")
    slug = api.project()
    assert api.ask("POST", "/v1/repositories", {"name": slug}).error == (409, "repository_exists")
    other = api.somebody()
    assert api.ask("POST", "/v1/repositories", {"name": "handbook"}, token=other.tokens[Scope.ADMIN]).status == 201


def test_a_push_is_announced_once(api: Api, ada: Person) -> None:
    body = api.ask("POST", "/v1/repositories", {"name": "handbook"}).json["repository"]
    ada.git("push", "--quiet", str(hosted_repository(api.container.home, body["id"])), "main")
    for _ in range(2):
        answer = api.ask("POST", f"/v1/repositories/{body['id']}/refresh")
        assert answer.json["repository"]["head"] == ada.head()
    assert _events(api).count("repository.pushed") == 1


def test_a_push_that_nobody_announced_is_found(api: Api, ada: Person) -> None:
    body = api.ask("POST", "/v1/repositories", {"name": "handbook"}).json["repository"]
    folder = hosted_repository(api.container.home, body["id"])
    ada.git("push", "--quiet", str(folder), "main")
    slug = api.project()
    project_id = api.get(f"/v1/projects/{slug}")["id"]
    ada.git("clone", "--quiet", "--bare", str(folder), str(hosted_repository(api.container.home, project_id)))
    service.look_at_all(api.container.transactions, api.container.home)
    assert {item["name"]: item["head"] for item in api.get("/v1/repositories")["repositories"]} == {
        "handbook": ada.head(),
        slug: ada.head(),
    }
    assert _events(api).count("repository.pushed") == 2


def test_the_repository_of_a_project_goes_with_it_and_not_before(api: Api, ada: Person) -> None:
    slug = api.project()
    project = api.get(f"/v1/projects/{slug}")
    with api.container.transactions.begin() as tx:
        found = service.for_project(tx, api.container.home, service.projects.get_any(tx, project["id"]))
    assert api.ask("DELETE", f"/v1/repositories/{found.id}").error == (409, "belongs_to_project")
    api.ask("DELETE", f"/v1/projects/{slug}")
    assert api.get("/v1/repositories")["repositories"] == []
    assert ada.head()


def test_a_project_of_the_same_name_takes_the_repository_with_what_is_in_it(api: Api, ada: Person) -> None:
    body = api.ask("POST", "/v1/repositories", {"name": "handbook"}).json["repository"]
    ada.git("push", "--quiet", str(hosted_repository(api.container.home, body["id"])), "main")
    api.ask("POST", "/v1/projects", {"name": "Handbook", "slug": "handbook"})
    project_id = api.get("/v1/projects/handbook")["id"]
    with api.container.transactions.begin() as tx:
        found = service.for_project(tx, api.container.home, service.projects.get_any(tx, project_id))
    assert (found.id, found.project_id) == (body["id"], project_id)
    assert quick_head(hosted_repository(api.container.home, project_id), "main") == ada.head()
    assert look_again(api.container.transactions, api.container.home, found)


def test_a_head_is_found_where_git_packs_it(tmp_path: Path, ada: Person) -> None:
    bare = tmp_path / "bare.git"
    ada.git("clone", "--quiet", "--bare", str(ada.tree), str(bare))
    ada.git(f"--git-dir={bare}", "pack-refs", "--all")
    assert quick_head(bare, "main") == ada.head()
    assert quick_head(bare, "ma") is None
    assert quick_head(bare, "other/branch") is None
    assert quick_head(tmp_path / "none.git", "main") is None
