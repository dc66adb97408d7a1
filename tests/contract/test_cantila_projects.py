"""The rows about projects, their scale and their instances, in Cantila's words."""

from typing import Any
from urllib.parse import quote

import pytest

from canonry.core.access import Scope
from canonry.features import deployments
from tests.support.api import SITE, Api
from tests.support.waiting import until


def staying(api: Api, slug: str) -> list[dict[str, Any]]:
    return [row for row in api.instances(slug) if row["status"] != "draining"]


@pytest.mark.contract("Cantila", "GET /v1/projects")
def test_only_the_accounts_own_projects_are_listed_each_with_id_name_handle_and_status(api: Api) -> None:
    other = api.somebody()
    api.ask("POST", "/v1/projects", {"name": "theirs"}, token=other.tokens[Scope.DEPLOY])
    api.ask("POST", "/v1/projects", {"name": "Mine"})
    (row,) = api.get("/v1/projects")["projects"]
    assert {name: row[name] for name in ("name", "handle", "status")} == {"name": "Mine", "handle": "ada", "status": "new"}
    assert row["id"].startswith("prj_")


@pytest.mark.contract("Cantila", "POST /v1/projects")
def test_a_name_alone_makes_a_project_with_a_subdomain_once_and_not_for_who_may_only_read(api: Api) -> None:
    made = api.ask("POST", "/v1/projects", {"name": "My Größter Shop"})
    assert (made.status, made.json["slug"]) == (201, "my-gr-ter-shop")
    assert made.json["id"].startswith("prj_")
    assert made.json["url"] == "http://my-gr-ter-shop.localhost:8080"
    api.deploy(made.json["slug"], SITE)
    assert api.edge.answer("my-gr-ter-shop.localhost").status == 200
    assert api.ask("POST", "/v1/projects", {"name": "my größter SHOP"}).error == (409, "name_taken")
    assert api.ask("POST", "/v1/projects", {"name": "x"}, token=api.owner.tokens[Scope.READ]).error == (403, "insufficient_scope")
    hinted = api.ask("POST", "/v1/projects", {"name": "hinted", "runtime": "static"})
    assert (hinted.status, hinted.json["runtime"]) == (201, "static")


@pytest.mark.contract("Cantila", "GET /v1/projects/:id")
def test_a_project_is_found_by_its_id_and_one_of_another_account_is_as_unknown_as_one_that_is_not_there(api: Api) -> None:
    """The seed answers 403 for another account's; design.md (part 4) decides for 404, which tells nobody that it exists."""
    project_id = api.get(f"/v1/projects/{api.project()}")["id"]
    assert api.get(f"/v1/projects/{project_id}")["id"] == project_id
    assert api.ask("GET", "/v1/projects/prj_0000000000000000").error == (404, "project_not_found")
    assert api.ask("GET", f"/v1/projects/{project_id}", token=api.somebody().tokens[Scope.ADMIN]).error == (404, "project_not_found")


@pytest.mark.contract("Cantila", "GET /v1/projects/by-handle/:handle/:name")
def test_handle_and_name_in_any_letter_case_with_or_without_an_at_find_the_same_project(api: Api) -> None:
    project_id = api.ask("POST", "/v1/projects", {"name": "My Shop", "slug": "the-shop"}).json["id"]
    for handle in ("ada", "ADA", "@ada", "@Ada"):
        for name in ("My Shop", "my shop", "MY SHOP", "the-shop", "THE-SHOP"):
            assert api.get(f"/v1/projects/by-handle/{handle}/{quote(name)}")["id"] == project_id
    stranger = api.somebody().tokens[Scope.ADMIN]
    assert api.ask("GET", "/v1/projects/by-handle/ada/the-shop", token=stranger).error == (404, "project_not_found")


@pytest.mark.contract("Cantila", "POST /v1/projects/:id/scale")
def test_two_instances_run_when_two_are_asked_for_and_anything_else_than_a_number_is_refused(api: Api) -> None:
    slug = api.app()
    at = f"/v1/projects/{api.get(f'/v1/projects/{slug}')['id']}/scale"
    answer = api.ask("POST", at, {"instances": 2})
    assert (answer.status, answer.json["project"]["instances"], answer.json["scale"]["instances"]) == (200, 2, 2)
    watch = deployments.Watch(api.container)
    try:
        until(lambda: watch.round() or [row["status"] for row in staying(api, slug)] == ["healthy"] * 2)
    finally:
        watch.close()
    assert sum(state.running for state in api.runtime.states()) == 2
    for wrong in (0, -1, "x"):
        refused = api.ask("POST", at, {"instances": wrong})
        assert refused.error == (400, "validation_failed")
        assert refused.json["issues"] == [{"path": "body.instances", "message": "must be a positive integer", "code": "value_error"}]
    assert len(staying(api, slug)) == 2


@pytest.mark.contract("Cantila", "GET /v1/projects/:id/instances")
def test_there_is_a_row_for_each_instance_with_index_and_status_and_a_crash_shows(api: Api) -> None:
    slug = api.app()
    api.ask("POST", f"/v1/projects/{slug}/scale", {"instances": 3})
    watch = deployments.Watch(api.container)
    try:
        until(lambda: watch.round() or all(row["status"] == "healthy" for row in staying(api, slug)))
        rows = staying(api, slug)
        assert [row["index"] for row in rows] == [0, 1, 2]
        api.runtime.crash(f"{rows[1]['id']}-0", 3)
        until(lambda: watch.round() or (staying(api, slug)[1]["restarts"], staying(api, slug)[1]["status"]) == (1, "healthy"))
        api.runtime.crash(f"{rows[1]['id']}-1", 3)  # the second end so soon after the first waits for a second
        until(lambda: watch.round() or staying(api, slug)[1]["status"] == "crashed")
        crashed = staying(api, slug)
        assert [row["index"] for row in crashed] == [0, 1, 2]
        assert [row["status"] for row in crashed] == ["healthy", "crashed", "healthy"]
        assert "3" in crashed[1]["reason"]
    finally:
        watch.close()
