"""Projects over HTTP: what the contract says of each operation."""

import base64
import itertools
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.adapters.limits.unlimited import Unlimited
from canonry.adapters.runtime.memory import Machine, MemoryRuntime
from canonry.core.access import Scope
from canonry.core.errors import Limited
from canonry.features.projects.rules import RESERVED
from canonry.wiring.container import Container
from tests.support.api import APP, SITE, Api, serving

FIELDS = {
    "id", "name", "slug", "handle", "status", "url", "repo_url", "repo_branch", "is_connected", "node_version", "python_version",
    "install_command", "build_command", "start_command", "output_dir", "root_dir", "health_path", "health_timeout", "instances",
    "memory_mb", "git_url", "created_at", "updated_at", "runtime",
}  # fmt: skip


class TestCreate:
    def test_name_and_slug_give_201_with_the_project_wrapped_and_bare(self, api: Api) -> None:
        answer = api.ask("POST", "/v1/projects", {"name": "My shop", "slug": "shop"})
        assert answer.status == 201
        project = answer.json.pop("project")
        bare = {name: value for name, value in answer.json.items() if name != "project"}
        assert project == bare
        assert set(project) == FIELDS
        assert project["id"].startswith("prj_")
        shown = {name: project[name] for name in ("name", "slug", "handle", "status", "repo_branch", "is_connected", "instances", "url")}
        assert shown == {"name": "My shop", "slug": "shop", "handle": "ada", "status": "new", "repo_branch": "main",
                         "is_connected": False, "instances": 1, "url": "http://shop.localhost:8080"}  # fmt: skip
        assert project["git_url"] == "http://localhost:8080/git/ada/shop.git"

    def test_name_alone_derives_a_slug_and_a_taken_one_gets_a_successor(self, api: Api) -> None:
        slugs = [api.ask("POST", "/v1/projects", {"name": name}).json["slug"] for name in ("Größe & Co!", "größe co", "A", "Admin", "💥")]
        assert slugs == ["gr-e-co", "gr-e-co-2", "a-app", "admin-site", "project"]

    def test_a_name_that_is_taken_for_a_slug_says_which_slug_it_has(self, api: Api) -> None:
        slug = api.ask("POST", "/v1/projects", {"name": "app"}).json["slug"]
        assert slug != "app"
        missing, taken = api.ask("GET", "/v1/projects/app"), api.ask("POST", "/v1/projects", {"name": "APP"})
        assert (missing.error, slug in missing.json["hint"]) == ((404, "project_not_found"), True)
        assert (taken.error, slug in taken.json["hint"]) == ((409, "name_taken"), True)
        stranger = api.somebody().tokens[Scope.ADMIN]
        assert slug not in api.ask("GET", "/v1/projects/app", token=stranger).body.decode()

    def test_a_used_name_is_refused_in_any_letter_case_but_another_organization_may_have_it(self, api: Api) -> None:
        api.ask("POST", "/v1/projects", {"name": "Shop"})
        assert api.ask("POST", "/v1/projects", {"name": " shOP ", "slug": "other"}).error == (409, "name_taken")
        foreign = api.ask("POST", "/v1/projects", {"name": "Shop"}, token=api.somebody().tokens[Scope.DEPLOY])
        assert (foreign.status, foreign.json["slug"]) == (201, "shop-2")

    def test_a_taken_slug_is_a_conflict_whoever_has_it(self, api: Api) -> None:
        api.project("shop")
        for token in (None, api.somebody().tokens[Scope.ADMIN]):
            answer = api.ask("POST", "/v1/projects", {"name": "other", "slug": "shop"}, token=token or "")
            assert answer.error == (409, "slug_taken")

    @pytest.mark.parametrize("slug", sorted(RESERVED)[::7])
    def test_a_reserved_slug_is_a_conflict(self, api: Api, slug: str) -> None:
        assert api.ask("POST", "/v1/projects", {"name": "other", "slug": slug}).error == (409, "slug_reserved")

    @pytest.mark.parametrize("slug", ["Ab", "ab", "-ab", "ab-", "a b", "a_b_c", "x" * 51, "", "shop\n", "straße", 7, ["shop"]])
    def test_a_slug_that_is_none_is_refused_with_its_place(self, api: Api, slug: object) -> None:
        answer = api.ask("POST", "/v1/projects", {"name": "other", "slug": slug})
        assert answer.error == (400, "validation_failed")
        assert [issue["path"] for issue in answer.json["issues"]] == ["body.slug"]
        assert all("pattern" not in issue["message"] for issue in answer.json["issues"])
        assert all(issue["code"] and issue["message"] for issue in answer.json["issues"])

    @pytest.mark.parametrize(
        ("body", "path"),
        [
            ({}, "body.name"), ({"name": ""}, "body.name"), ({"name": "x" * 201}, "body.name"), ({"name": "a\0b"}, "body.name"),
            ({"name": 5}, "body.name"), ({"name": None}, "body.name"), ({"name": "   "}, "body.name"),
            ({"name": "x", "extra": 1}, "body.extra"), ({"name": "x", "repo_branch": "a b"}, "body.repo_branch"),
            ({"name": "x", "repo_url": "ftp://example.com/x"}, "repo_url"), ([], "body"), ("text", "body"), (None, "body"),
        ],
    )  # fmt: skip
    def test_a_body_that_is_wrong_is_refused_with_its_place(self, api: Api, body: object, path: str) -> None:
        answer = api.ask("POST", "/v1/projects", body, headers={"Content-Type": "application/json"})
        assert answer.error[0] == 400
        assert answer.json["issues"][0]["path"].endswith(path)
        assert api.get("/v1/projects")["projects"] == []

    def test_a_repository_is_connected_and_one_with_a_credential_refused_without_repeating_it(self, api: Api) -> None:
        made = api.ask("POST", "/v1/projects", {"name": "a", "repo_url": "owner/name", "repo_branch": "dev"}).json
        assert (made["is_connected"], made["repo_url"], made["repo_branch"]) == (True, "https://github.com/owner/name.git", "dev")
        refused = api.ask("POST", "/v1/projects", {"name": "b", "repo_url": "https://me:hunter2@example.com/x.git"})
        assert refused.error == (400, "credential_in_url")
        assert b"hunter2" not in refused.body

    def test_over_the_cap_of_the_plan_is_402(self, container: Container) -> None:
        with serving(container, limits=_OneOnly()) as api:
            api.project("first")
            assert api.ask("POST", "/v1/projects", {"name": "second"}).error == (402, "project_limit_reached")


class _OneOnly(Unlimited):
    """Billing is not there yet; this is what its answer will look like."""

    def require_project(self, organization_id: str, existing: int) -> None:
        if existing >= 1:
            raise Limited("project_limit_reached", f"{organization_id} may have one project.", hint="Choose a larger plan.")


class TestList:
    def test_three_projects_with_limit_2_are_two_pages_newest_first(self, api: Api) -> None:
        made = [api.project() for _ in range(3)]
        first = api.get("/v1/projects?limit=2")
        second = api.get(f"/v1/projects?limit=2&cursor={first['next_cursor']}")
        assert [row["slug"] for row in (*first["projects"], *second["projects"])] == made[::-1]
        assert (len(first["projects"]), second["next_cursor"]) == (2, None)
        assert api.get("/v1/projects?limit=3")["next_cursor"] is None
        assert {frozenset(row) for row in first["projects"]} == {frozenset(FIELDS)}

    def test_a_row_is_what_the_project_alone_shows(self, api: Api) -> None:
        bare, full = api.project(), api.project()
        changes = {
            "repo_branch": "trunk", "node_version": "22", "repo_url": "owner/name",
            "python_version": "3.12", "install_command": "pip install .", "build_command": "make", "start_command": "python -m shop",
            "output_dir": "dist", "root_dir": "web", "health_path": "/ok", "health_timeout": 9, "name": 'a "name" ü',
        }  # fmt: skip
        assert api.ask("PATCH", f"/v1/projects/{full}", changes).status == 200
        rows = api.get("/v1/projects")["projects"]
        assert rows == [api.get(f"/v1/projects/{slug}")["project"] for slug in (full, bare)]
        assert changes.items() <= {**rows[0], "repo_url": "owner/name"}.items()

    def test_only_the_projects_of_the_callers_organization_are_listed(self, api: Api) -> None:
        mine, other = api.project(), api.somebody()
        assert api.ask("GET", "/v1/projects", token=other.tokens[Scope.READ]).json == {"projects": [], "next_cursor": None}
        assert [row["slug"] for row in api.get("/v1/projects")["projects"]] == [mine]

    @pytest.mark.contract("Canner", "keyset pagination")
    def test_the_limit_is_50_unless_asked(self, api: Api) -> None:
        with api.container.transactions.begin() as tx:
            tx.connection.execute(
                "INSERT INTO projects (id, organization_id, slug, name) SELECT 'prj_' || n, %s, 'many-' || n, 'many ' || n"
                " FROM generate_series(100, 219) n", [api.owner.organization_id],
            )  # fmt: skip
        sizes = [len(api.get(f"/v1/projects{query}")["projects"]) for query in ("", "?limit=1", "?limit=100")]
        assert sizes == [50, 1, 100]

    @pytest.mark.contract("Canner", "keyset pagination")
    @pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1.5", "", "9" * 30, "0x10", "%D9%A1"])
    def test_a_limit_outside_1_to_100_is_refused(self, api: Api, limit: str) -> None:
        answer = api.ask("GET", f"/v1/projects?limit={limit}")
        assert answer.error == (400, "validation_failed")
        assert answer.json["issues"][0]["path"] == "query.limit"

    @pytest.mark.parametrize(
        "cursor",
        ["", "x", "!!!!", "%00", "%FF%FE", base64.urlsafe_b64encode(b"2026-01-01T00:00:00|prj_1").decode(),
         base64.urlsafe_b64encode(b"2026-01-01T00:00:00+00:00|").decode(), base64.urlsafe_b64encode(b"|prj_1").decode(),
         base64.urlsafe_b64encode(b"2026-01-01T00:00:00+00:00|a\0b").decode(), base64.urlsafe_b64encode(b"\xff\xfe").decode(),
         "x" * 300],
    )  # fmt: skip
    def test_a_broken_cursor_is_refused(self, api: Api, cursor: str) -> None:
        status, code = api.ask("GET", f"/v1/projects?cursor={cursor}").error
        assert (status, code in {"invalid_cursor", "validation_failed"}) == (400, True)

    @pytest.mark.contract("Canner", "keyset pagination")
    def test_a_cursor_of_another_list_or_of_somebody_else_or_changed_is_refused(self, api: Api) -> None:
        slugs = [api.project() for _ in range(3)]
        for _ in range(2):
            api.upload(slugs[0], {"index.html": "x"})
        cursor = api.get("/v1/projects?limit=1")["next_cursor"]
        assert api.ask("GET", f"/v1/projects?limit=1&cursor={cursor}").status == 200
        assert api.ask("GET", f"/projects?limit=1&cursor={cursor}").status == 200  # the same list
        of_deployments = api.get(f"/v1/projects/{slugs[0]}/deployments?limit=1")["next_cursor"]
        other = api.somebody().tokens[Scope.READ]
        changed = ("B" if cursor[0] == "A" else "A") + cursor[1:]
        refused = [
            api.ask("GET", f"/v1/projects?cursor={of_deployments}"), api.ask("GET", f"/v1/projects/{slugs[0]}/deployments?cursor={cursor}"),
            api.ask("GET", f"/v1/projects/{slugs[1]}/deployments?cursor={of_deployments}"),
            api.ask("GET", f"/v1/projects?cursor={changed}"),
            api.ask("GET", f"/v1/projects?cursor={cursor}", token=other), api.ask("GET", f"/v1/projects?cursor={cursor[:-2]}"),
        ]  # fmt: skip
        assert [answer.error for answer in refused] == [(400, "invalid_cursor")] * len(refused)
        assert all(answer.json["issues"][0]["path"] == "query.cursor" for answer in refused)

    @pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00.123456+00:00"])
    def test_a_cursor_at_the_ends_of_time_is_no_fault(self, api: Api, moment: str) -> None:
        api.project()
        cursor = base64.urlsafe_b64encode(f"{moment}|prj_1".encode()).decode()
        assert api.ask("GET", f"/v1/projects?cursor={cursor}").status in {200, 400}

    @pytest.mark.contract("Canner", "keyset pagination")
    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(story=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), max_size=8), before=st.integers(0, 6))
    def test_pages_show_what_was_there_once_and_in_order_while_rows_are_added(
        self, api: Api, story: list[tuple[int, int]], before: int
    ) -> None:
        """story: for each page its size and how many projects are added before the next one."""
        somebody = api.somebody()
        token = somebody.tokens[Scope.ADMIN]

        def add() -> str:
            name = f"row {time.monotonic_ns()}"
            return str(api.ask("POST", "/v1/projects", {"name": name}, token=token).json["id"])

        there = [add() for _ in range(before)][::-1]
        seen: list[str] = []
        cursor: str | None = ""
        for limit, added in [*story, *[(3, 0)] * 10]:
            query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
            page: dict[str, Any] = api.ask("GET", f"/v1/projects{query}", token=token).json
            assert len(page["projects"]) <= limit
            seen += [row["id"] for row in page["projects"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
            for _ in range(added):
                add()
        assert cursor is None
        assert seen == there


class TestOne:
    def test_it_is_found_by_slug_and_by_id(self, api: Api) -> None:
        project = api.get(f"/v1/projects/{api.project('shop')}")["project"]
        assert api.get(f"/v1/projects/{project['id']}")["project"] == project

    @pytest.mark.parametrize("key", ["nobody", "prj_0000000000000000", "%00", "a%00b", "%FF", "..", "SHOP", "x" * 5000, "💥"])
    def test_an_unknown_one_is_404(self, api: Api, key: str) -> None:
        api.project("shop")
        status, code = api.ask("GET", f"/v1/projects/{_quoted(key)}").error
        assert (status, code in {"project_not_found", "not_found"}) == (404, True)


class TestByHandle:
    @pytest.mark.parametrize("handle", ["ada", "@ada", "ADA", "@Ada", " ada"])
    @pytest.mark.parametrize("name", ["My Shop", "MY shop", "the-shop", "THE-Shop"])
    def test_any_letter_case_with_or_without_an_at_finds_the_same_project(self, api: Api, handle: str, name: str) -> None:
        made = api.ask("POST", "/v1/projects", {"name": "My Shop", "slug": "the-shop"}).json["project"]
        assert api.get(f"/v1/projects/by-handle/{quote(handle)}/{quote(name)}")["project"] == made

    def test_a_name_wins_over_a_slug(self, api: Api) -> None:
        api.ask("POST", "/v1/projects", {"name": "first", "slug": "second"})
        named = api.ask("POST", "/v1/projects", {"name": "second", "slug": "third"}).json["id"]
        assert api.get("/v1/projects/by-handle/ada/second")["id"] == named

    def test_a_name_may_have_slashes_and_letters_of_any_kind(self, api: Api) -> None:
        for name in ("web/api", "Größe 💥", "100%"):
            made = api.ask("POST", "/v1/projects", {"name": name}).json["id"]
            assert api.get(f"/v1/projects/by-handle/ada/{quote(name, safe='')}")["id"] == made

    def test_of_another_organization_or_unknown_it_is_404(self, api: Api) -> None:
        api.project("shop")
        other = api.somebody()
        for path, token in (
            ("ada/shop", other.tokens[Scope.ADMIN]), (f"{other.handle}/shop", other.tokens[Scope.ADMIN]), (f"{other.handle}/shop", ""),
            ("ada/nothing", ""), ("@@ada/shop", ""), ("ada/%00", ""), ("%00/shop", ""), ("ada/" + "x" * 3000, ""),
        ):  # fmt: skip
            assert api.ask("GET", f"/v1/projects/by-handle/{path}", token=token).error == (404, "project_not_found")

    def test_no_project_takes_its_address(self, api: Api) -> None:
        assert api.ask("POST", "/v1/projects", {"name": "x", "slug": "by-handle"}).error == (409, "slug_reserved")
        assert api.ask("POST", "/v1/projects", {"name": "by handle"}).json["slug"] == "by-handle-site"


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("root_dir", "../other"), ("root_dir", "/etc"), ("root_dir", "a/../../b"), ("output_dir", ".."), ("output_dir", "/var/www"),
            ("runtime", "cobol"), ("health_path", "healthz"), ("health_path", "/a b"), ("health_timeout", 0), ("health_timeout", 3601),
            ("health_timeout", "60"), ("health_timeout", True), ("repo_branch", "a..b"), ("name", ""), ("start_command", "a\0b"),
        ],
    )  # fmt: skip
    def test_a_value_that_no_source_could_be_deployed_with_is_refused_and_nothing_is_changed(
        self, api: Api, name: str, value: object
    ) -> None:
        slug = api.project()
        before = api.get(f"/v1/projects/{slug}")
        answer = api.ask("PATCH", f"/v1/projects/{slug}", {"build_command": "make", name: value})
        assert answer.error[0] == 400
        assert [issue["path"] for issue in answer.json["issues"]] == [f"body.{name}"]
        assert api.get(f"/v1/projects/{slug}") == before

    def test_several_faults_are_named_at_once(self, api: Api) -> None:
        answer = api.ask("PATCH", f"/v1/projects/{api.project()}", {"root_dir": "/a", "output_dir": "/b", "runtime": "x"})
        assert answer.error == (400, "invalid_project_setting")
        assert {issue["path"] for issue in answer.json["issues"]} == {"body.root_dir", "body.output_dir", "body.runtime"}

    def test_a_runtime_is_what_the_project_is_and_one_that_nobody_builds_is_refused(self, api: Api) -> None:
        made = api.ask("POST", "/v1/projects", {"name": "a", "runtime": "static"})
        assert (made.status, made.json["runtime"]) == (201, "static")
        refused = api.ask("POST", "/v1/projects", {"name": "b", "runtime": "ruby"})
        assert (refused.error, refused.json["issues"][0]["path"]) == ((400, "invalid_project_setting"), "body.runtime")
        assert [row["slug"] for row in api.get("/v1/projects")["projects"]] == [made.json["slug"]]
        assert api.ask("PATCH", f"/v1/projects/{made.json['slug']}", {"runtime": None}).json["runtime"] is None

    def test_an_instance_has_as_long_as_the_project_says_to_become_healthy(self, container: Container) -> None:
        with serving(container, runtime=MemoryRuntime(Machine(ports=itertools.count(1)))) as api:  # nobody listens there
            slug = api.project(start_command="sleep 600", health_timeout=1)
            failed = api.deploy(slug, APP)
        assert (failed["error"]["code"], "within 1 s" in failed["error"]["message"]) == ("unhealthy", True)


class TestChange:
    def test_every_setting_shows_in_the_next_get_and_null_takes_it_back(self, api: Api) -> None:
        slug = api.project()
        changes = {
            "name": "New name", "repo_url": "https://example.com/a.git", "repo_branch": "dev", "node_version": "22",
            "python_version": "3.13", "install_command": "true", "build_command": "make", "start_command": "sleep 1",
            "output_dir": "dist", "root_dir": "web", "health_path": "/health",
        }  # fmt: skip
        before = api.get(f"/v1/projects/{slug}")["project"]
        answered = api.ask("PATCH", f"/v1/projects/{slug}", changes).json["project"]
        shown = api.get(f"/v1/projects/{slug}")["project"]
        assert answered == shown
        assert shown == {**before, **changes, "is_connected": True, "updated_at": shown["updated_at"]}
        assert shown["updated_at"] > before["updated_at"]
        nothing = dict.fromkeys(name for name in changes if name not in {"name", "repo_branch"})
        taken_back = api.ask("PATCH", f"/v1/projects/{slug}", nothing).json["project"]
        assert {name: taken_back[name] for name in nothing} == nothing
        assert (taken_back["is_connected"], taken_back["name"], taken_back["repo_branch"]) == (False, "New name", "dev")

    def test_a_changed_build_command_is_what_the_next_build_runs(self, api: Api) -> None:
        slug = api.project(start_command="sleep 600", build_command="make first")
        api.deploy(slug, APP)
        api.ask("PATCH", f"/v1/projects/{slug}", {"build_command": "make second"})
        deployment = api.deploy(slug, APP)
        texts = [line["text"] for line in api.get(f"/v1/deployments/{deployment['id']}/logs")["lines"]]
        assert "$ make second" in texts
        assert "$ make first" not in texts

    def test_an_empty_change_changes_nothing(self, api: Api) -> None:
        slug = api.project()
        before = api.get(f"/v1/projects/{slug}")
        assert api.ask("PATCH", f"/v1/projects/{slug}", {}).json == before

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"slug": "other"}, "validation_failed"), ({"status": "running"}, "validation_failed"), ({"name": ""}, "validation_failed"),
            ({"build_command": "a\0b"}, "validation_failed"), ({"health_path": "health"}, "validation_failed"),
            ({"health_path": "/a b"}, "validation_failed"), ({"repo_branch": "-x"}, "validation_failed"),
            ({"repo_branch": "a..b"}, "invalid_ref"), ({"repo_url": "https://"}, "invalid_repository_url"),
            ({"build_command": 5}, "validation_failed"), ({"root_dir": "x" * 2001}, "validation_failed"),
        ],
    )  # fmt: skip
    def test_a_wrong_change_is_refused_and_changes_nothing(self, api: Api, change: dict[str, object], code: str) -> None:
        slug = api.project()
        before = api.get(f"/v1/projects/{slug}")
        answer = api.ask("PATCH", f"/v1/projects/{slug}", {"build_command": "never", **change})
        assert answer.error == (400, code)
        assert answer.json["issues"]
        assert api.get(f"/v1/projects/{slug}") == before

    def test_a_name_is_trimmed_and_must_not_be_blank(self, api: Api) -> None:
        slug = api.project()
        assert api.ask("PATCH", f"/v1/projects/{slug}", {"name": "  "}).error == (400, "invalid_name")
        assert api.ask("PATCH", f"/v1/projects/{slug}", {"name": " New "}).json["name"] == "New"

    def test_the_name_of_another_project_is_refused(self, api: Api) -> None:
        first, second = api.project(), api.project()
        assert api.ask("PATCH", f"/v1/projects/{second}", {"name": f" {first} "}).error == (409, "name_taken")
        assert api.ask("PATCH", f"/v1/projects/{second}", {"name": first}).error == (409, "name_taken")
        assert api.ask("PATCH", f"/v1/projects/{second}", {"name": second.upper()}).status == 200


class TestDelete:
    def test_it_is_gone_its_site_answers_no_more_and_its_slug_is_free(self, api: Api) -> None:
        slug = api.project()
        deployment = api.deploy(slug, SITE)
        assert api.edge.answer(f"{slug}.localhost").body == b"<p>hello</p>"
        answer = api.ask("DELETE", f"/v1/projects/{slug}")
        assert (answer.status, answer.body) == (204, b"")
        assert api.edge.answer(f"{slug}.localhost").status == 404
        assert api.ask("GET", f"/v1/projects/{slug}").error == (404, "project_not_found")
        assert api.ask("GET", f"/v1/deployments/{deployment['id']}").error == (404, "deployment_not_found")
        assert api.ask("DELETE", f"/v1/projects/{slug}").error == (404, "project_not_found")
        api.project(slug)
        assert api.deployments(slug) == []


def _quoted(text: str) -> str:
    return quote(text, safe="%")
