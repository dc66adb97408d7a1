"""The rows about projects, in Canner's words."""

from dataclasses import dataclass

import pytest

from canonry.adapters.builder.memory import MemoryBuilder
from canonry.core.access import Scope
from canonry.core.errors import Limited
from canonry.features import deployments
from canonry.ports.builder import Artifact, BuildRequest, LogLine
from canonry.wiring.container import Container
from tests.support.api import APP, SITE, Api, serving
from tests.support.waiting import until


@dataclass(frozen=True)
class AtMost:
    """A plan that allows so many projects."""

    number: int

    def require_project(self, organization_id: str, existing: int) -> None:
        """Refuse one more than that."""
        if existing >= self.number:
            raise Limited(
                "project_limit_reached", f"The plan of {organization_id} has {self.number} projects.", hint="Choose a larger one."
            )


@pytest.mark.contract("Canner", "POST /v1/projects")
def test_a_project_is_made_or_refused_for_each_reason(container: Container) -> None:
    with serving(container, limits=AtMost(1)) as api:
        made = api.ask("POST", "/v1/projects", {"name": "My shop", "slug": "shop"})
        assert made.status == 201
        project = made.json["project"]
        assert {name: project[name] for name in ("name", "slug", "repo_branch", "is_connected")} == {
            "name": "My shop", "slug": "shop", "repo_branch": "main", "is_connected": False,
        }  # fmt: skip
        assert project["id"].startswith("prj_")
        assert api.ask("POST", "/v1/projects", {"name": "second", "slug": "second"}).error == (402, "project_limit_reached")
        other = api.somebody()
        token = other.tokens[Scope.DEPLOY]
        assert api.ask("POST", "/v1/projects", {"name": "x", "slug": "shop"}, token=token).error == (409, "slug_taken")
        assert api.ask("POST", "/v1/projects", {"name": "x", "slug": "admin"}, token=token).error == (409, "slug_reserved")
        for body, place in (({"name": "x", "slug": "Ab"}, "body.slug"), ({"name": "x", "slug": "good-one", "extra": 1}, "body.extra")):
            refused = api.ask("POST", "/v1/projects", body, token=token)
            assert refused.error[0] == 400
            assert [issue["path"] for issue in refused.json["issues"]] == [place]
        with container.transactions.begin() as tx:
            tx.connection.execute("UPDATE users SET email_verified_at = NULL WHERE id = %s", (other.user_id,))
        assert api.ask("POST", "/v1/projects", {"name": "x", "slug": "good-one"}, token=token).error == (403, "email_not_verified")
        assert api.ask("GET", "/v1/projects", token=token).json["projects"] == []


@pytest.mark.contract("Canner", "GET /v1/projects")
def test_three_projects_are_two_pages_newest_first_and_a_wrong_page_is_refused(api: Api) -> None:
    made = [api.project() for _ in range(3)]
    first = api.get("/v1/projects?limit=2")
    second = api.get(f"/v1/projects?limit=2&cursor={first['next_cursor']}")
    assert [row["slug"] for row in first["projects"]] == made[:0:-1]
    assert [row["slug"] for row in second["projects"]] == made[:1]
    assert second["next_cursor"] is None
    for query in ("limit=0", "limit=101", "cursor=broken"):
        assert api.ask("GET", f"/v1/projects?{query}").error[0] == 400


@pytest.mark.contract("Canner", "GET /v1/projects/{slug}")
def test_a_project_is_found_by_its_slug_by_its_own_people_only(api: Api) -> None:
    slug = api.project("shop")
    assert api.get(f"/v1/projects/{slug}")["project"]["slug"] == "shop"
    assert api.ask("GET", "/v1/projects/unknown").error == (404, "project_not_found")
    assert api.ask("GET", f"/v1/projects/{slug}", token=api.somebody().tokens[Scope.ADMIN]).error == (404, "project_not_found")


class Watching(MemoryBuilder):
    """Notes what each build runs."""

    commands: tuple[str | None, ...] = ()

    def build(self, request: BuildRequest, log: LogLine) -> Artifact:
        self.commands = (*self.commands, request.plan.build)
        return super().build(request, log)


@pytest.mark.contract("Canner", "PATCH /v1/projects/{slug}")
def test_a_changed_build_command_shows_and_is_what_the_next_build_runs(container: Container) -> None:
    builder = Watching(container.home.artifacts)
    with serving(container, builder=builder) as api:
        slug = api.app()
        assert api.ask("PATCH", f"/v1/projects/{slug}", {"build_command": "make site"}).status == 200
        assert api.get(f"/v1/projects/{slug}")["project"]["build_command"] == "make site"
        assert builder.commands == (None,)
        api.deploy(slug, {**APP, "more": "1"})
        assert builder.commands == (None, "make site")
        refused = api.ask("PATCH", f"/v1/projects/{slug}", {"build_comand": "make"})
        assert (refused.error[0], refused.json["issues"][0]["path"]) == (400, "body.build_comand")


@pytest.mark.contract("Canner", "DELETE /v1/projects/{slug}")
def test_a_deleted_project_is_gone_with_all_it_had_and_its_slug_is_free(api: Api) -> None:
    slug = api.app("shop")
    project_id = api.get("/v1/projects/shop")["id"]
    api.ask("POST", f"/v1/projects/{slug}/env", {"key": "A", "value": "1"})
    api.ask("POST", f"/v1/projects/{slug}/domains", {"hostname": "shop.example.com"})
    assert api.edge.answer("shop.localhost").status == 200
    assert api.ask("DELETE", f"/v1/projects/{slug}").status == 204
    assert api.ask("GET", f"/v1/projects/{slug}").error == (404, "project_not_found")
    assert api.edge.answer("shop.localhost").status == 404
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute("SELECT table_name FROM information_schema.columns WHERE column_name = 'project_id'").fetchall()
        left = [
            table for (table,) in rows
            if tx.connection.execute(f"SELECT 1 FROM {table} WHERE project_id = %s".encode(), (project_id,)).fetchone()  # noqa: S608
        ]  # fmt: skip
    assert left == []
    again = api.app("shop")
    assert api.get(f"/v1/projects/{again}")["id"] != project_id
    assert api.ask("POST", f"/v1/projects/{again}/domains", {"hostname": "shop.example.com"}).status == 201


@pytest.mark.contract("Canner", "POST /v1/projects/{slug}/stop")
def test_a_stopped_project_runs_no_process_and_says_so_and_a_second_stop_is_harmless(api: Api) -> None:
    slug = api.app()
    for _ in range(2):
        answer = api.ask("POST", f"/v1/projects/{slug}/stop")
        assert (answer.status, answer.json["project"]["status"]) == (200, "stopped")
        page = api.edge.answer(f"{slug}.localhost")
        assert (page.status, b"stopped" in page.body) == (503, True)
    watch = deployments.Watch(api.container)
    try:
        until(lambda: watch.round() or not any(state.running for state in api.runtime.states()))
    finally:
        watch.close()


@pytest.mark.contract("Canner", "POST /v1/projects/{slug}/start")
def test_a_started_project_serves_its_last_live_deployment_without_a_build_and_with_none_it_is_409(container: Container) -> None:
    builder = Watching(container.home.artifacts)
    with serving(container, builder=builder) as api:
        slug = api.project()
        assert api.ask("POST", f"/v1/projects/{slug}/start").error == (409, "no_deployment")
        api.deploy(slug, SITE)
        api.ask("POST", f"/v1/projects/{slug}/stop")
        assert api.edge.answer(f"{slug}.localhost").status == 503
        assert api.ask("POST", f"/v1/projects/{slug}/start").json["project"]["status"] == "running"
        assert api.edge.answer(f"{slug}.localhost").body == SITE["index.html"].encode()
        assert len(builder.commands) == len(api.deployments(slug)) == 1
