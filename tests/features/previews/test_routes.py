"""Previews by hand: made, listed, brought up to date, removed; and gone when their time is over."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canonry.core.access import Scope
from canonry.features.previews import close_expired
from tests.features.previews.conftest import branch
from tests.support.api import APP, SITE, Answer, Api
from tests.support.git import Person
from tests.support.webhooks import Host, work


def make(api: Api, name: str, **fields: object) -> Answer:
    return api.ask("POST", "/v1/projects/shop/previews", {"branch": name, **fields})


def page(api: Api, name: str) -> tuple[int, str]:
    answer = api.edge.answer(f"{name}.localhost")
    return answer.status, answer.body.decode()


def listed(api: Api) -> list[dict[str, Any]]:
    return list(api.get("/v1/projects/shop/previews")["previews"])


@pytest.mark.contract("Cantila", "POST /v1/projects/:id/previews")
@pytest.mark.criterion("operating#branch-preview")
def test_a_branch_gives_a_preview_on_its_own_url_and_production_is_unchanged(api: Api, host: Host, ada: Person) -> None:
    host.push("main", ada.head())
    work(api)
    before = api.get("/v1/projects/shop")
    commit = branch(ada, "feature/Login", "<p>login</p>")
    answer = make(api, "feature/Login")
    assert (answer.status, answer.json["status"]) == (201, "queued")
    assert answer.json["url"].startswith("http://shop-feature-login.localhost")
    work(api)
    assert page(api, "shop-feature-login") == (200, "<p>login</p>")
    assert page(api, "shop") == (200, "<p>main</p>")
    assert api.get("/v1/projects/shop") == before
    shown = api.get(f"/v1/projects/shop/previews/{answer.json['preview']['id']}")["preview"]
    assert (shown["status"], shown["commit"], shown["environment"]) == ("live", commit, "preview/feature/Login")


@pytest.mark.contract("Cantila", "GET /v1/projects/:id/previews")
def test_only_the_previews_there_are_are_listed_newest_first_each_with_its_own_url(api: Api, host: Host, ada: Person) -> None:
    assert host.project == "shop"
    assert listed(api) == []
    for name in ("a", "b", "c"):
        branch(ada, name, f"<p>{name}</p>")
        make(api, name)
    work(api)
    rows = listed(api)
    assert [row["branch"] for row in rows] == ["c", "b", "a"]
    assert len({row["url"] for row in rows}) == 3
    assert {row["status"] for row in rows} == {"live"}
    for row in rows:
        name = row["url"].split("/")[2].split(".")[0]
        assert page(api, name) == (200, f"<p>{row['branch']}</p>")
    assert api.ask("DELETE", f"/v1/projects/shop/previews/{rows[1]['id']}").status == 204
    assert [row["branch"] for row in listed(api)] == ["c", "a"]
    assert page(api, "shop-b")[0] == 404


def test_it_has_instances_of_its_own_one_whatever_production_has(api: Api, ada: Person, host: Host) -> None:
    api.ask("PATCH", "/v1/projects/shop", {"start_command": "sleep 600"})
    (ada.tree / "index.html").unlink()
    host.push("main", ada.commit(APP))
    work(api)
    api.ask("POST", "/v1/projects/shop/scale", {"instances": 3})
    ada.git("branch", "next")
    make(api, "next")
    work(api)
    assert len(api.instances("shop")) == 3
    rows = api.get("/v1/projects/shop/instances?environment=preview/next")["instances"]
    assert [(row["index"], row["status"]) for row in rows] == [(0, "healthy")]


def test_a_commit_can_be_named_in_both_forms(api: Api, host: Host, ada: Person) -> None:
    assert host.project == "shop"
    first = branch(ada, "next", "<p>one</p>")
    ada.commit({"index.html": "<p>two</p>"})
    for commit in (first, {"hash": first, "message": "by hand"}, first[:10]):
        assert make(api, "next", commit=commit).status == 201
        work(api)
        assert page(api, "shop-next") == (200, "<p>one</p>")
    make(api, "next")
    work(api)
    assert page(api, "shop-next") == (200, "<p>two</p>")
    assert len(listed(api)) == 1


def test_a_preview_that_fails_is_shown_as_failed_and_touches_nothing(api: Api, host: Host, ada: Person) -> None:
    host.push("main", ada.head())
    work(api)
    make(api, "nowhere")
    work(api)
    assert [row["status"] for row in listed(api)] == ["failed"]
    assert api.get("/v1/projects/shop")["status"] == "running"
    assert page(api, "shop") == (200, "<p>main</p>")


def test_what_was_pushed_to_canonry_itself_can_be_previewed(api: Api, ada: Person) -> None:
    slug = api.project("shop")
    branch(ada, "next", "<p>pushed</p>")
    project_id = api.get(f"/v1/projects/{slug}")["id"]
    ada.git("clone", "--quiet", "--bare", str(ada.tree), str(api.container.home.repositories / f"{project_id}.git"))
    assert make(api, "next").status == 201
    work(api)
    assert page(api, "shop-next") == (200, "<p>pushed</p>")


class TestTime:
    def test_it_stays_two_weeks_after_the_last_deployment_unless_told_otherwise(self, api: Api, host: Host, ada: Person) -> None:
        assert host.project == "shop"
        branch(ada, "next", "x")
        left = [
            datetime.fromisoformat(make(api, "next", **fields).json["preview"]["expires_at"]) - datetime.now(UTC)
            for fields in ({}, {"expires": "30m"}, {}, {"expires": "12h"}, {"expires": "7d"})
        ]
        expected = [timedelta(days=14), timedelta(minutes=30), timedelta(minutes=30), timedelta(hours=12), timedelta(days=7)]
        assert all(abs(found - wanted) < timedelta(minutes=1) for found, wanted in zip(left, expected, strict=True)), left

    def test_when_its_time_is_over_it_goes_also_when_canonry_was_down_then(self, api: Api, host: Host, ada: Person) -> None:
        assert host.project == "shop"
        branch(ada, "next", "<p>next</p>")
        branch(ada, "stays", "<p>stays</p>")
        make(api, "next")
        make(api, "stays")
        work(api)
        with api.container.transactions.begin() as tx:
            tx.connection.execute("UPDATE previews SET expires_at = now() - interval '1 day' WHERE branch = 'next'")
        close_expired(api.container.transactions)  # of a process that has just started
        close_expired(api.container.transactions)
        work(api)
        assert [row["branch"] for row in listed(api)] == ["stays"]
        assert page(api, "shop-next")[0] == 404

    def test_one_that_is_deployed_to_before_it_goes_stays(self, api: Api, host: Host, ada: Person) -> None:
        assert host.project == "shop"
        branch(ada, "next", "<p>next</p>")
        make(api, "next")
        work(api)
        with api.container.transactions.begin() as tx:
            tx.connection.execute("UPDATE previews SET expires_at = now() - interval '1 day'")
        close_expired(api.container.transactions)
        make(api, "next")
        work(api)
        assert [row["status"] for row in listed(api)] == ["live"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "body.branch"), ({"branch": ""}, "body.branch"), ({"branch": "-x"}, "body.branch"), ({"branch": "a b"}, "body.branch"),
            ({"branch": "refs/pull/7/head"}, "body.branch"), ({"branch": "a" * 40}, "body.branch"), ({"branch": 7}, "body.branch"),
            ({"branch": "x", "commit": "zz"}, "body.commit"), ({"branch": "x", "expires": "soon"}, "body.expires"),
            ({"branch": "x", "expires": "0d"}, "body.expires"), ({"branch": "x", "expires": "366d"}, "body.expires"),
            ({"branch": "x", "expires": "7"}, "body.expires"), ({"branch": "x", "colour": "red"}, "body.colour"),
        ],
        ids=str,
    )  # fmt: skip
    def test_bad_input_names_the_field_and_makes_nothing(self, api: Api, host: Host, body: dict[str, object], field: str) -> None:
        answer = api.ask("POST", f"/v1/projects/{host.project}/previews", body)
        assert answer.error[0] == 400
        assert any(issue["path"].startswith(field) for issue in answer.json["issues"]), answer.json
        assert listed(api) == []

    def test_a_project_without_a_repository_is_refused(self, api: Api) -> None:
        api.deploy(api.project("shop"), SITE)
        assert make(api, "next").error == (409, "no_source")
        assert listed(api) == []
        with api.container.transactions.begin() as tx:
            assert tx.connection.execute("SELECT label FROM labels").fetchall() == [("shop",)]

    def test_there_is_an_upper_bound(self, api: Api, host: Host) -> None:
        assert host.project == "shop"
        limit = api.container.settings.preview_limit
        with api.container.transactions.begin() as tx:
            row = tx.connection.execute("SELECT id, organization_id FROM projects WHERE slug = 'shop'").fetchone()
            assert row is not None
            for number in range(limit - 1):
                tx.connection.execute(
                    "INSERT INTO previews (id, organization_id, project_id, environment, branch, label, lifetime, expires_at)"
                    " VALUES (%s, %s, %s, %s, 'x', %s, '1 day', now() + interval '1 day')",
                    (f"prv_{number:016x}", row[1], row[0], f"preview/{number}", f"x-{number}"),
                )
        answers: list[Answer] = []
        threads = [threading.Thread(target=lambda number=number: answers.append(make(api, f"new-{number}"))) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(answer.status for answer in answers) == [201, 429, 429, 429]
        refused = next(answer for answer in answers if answer.status == 429)
        assert refused.error[1] == "preview_limit_reached"
        assert host.push("one-more", "a" * 40).json["error"] == "preview_limit_reached"

    def test_a_stopped_project_makes_no_preview(self, api: Api, host: Host, ada: Person) -> None:
        host.push("main", ada.head())
        work(api)
        api.ask("POST", "/v1/projects/shop/stop")
        assert make(api, "main").error == (409, "project_stopped")

    def test_one_that_is_not_there_is_404(self, api: Api, host: Host, ada: Person) -> None:
        assert host.project == "shop"
        branch(ada, "next", "x")
        made = make(api, "next").json["preview"]["id"]
        other = api.project("other")
        for key in ("prv_0000000000000000", "nothing", "a%00b"):
            assert api.ask("GET", f"/v1/projects/shop/previews/{key}").error == (404, "preview_not_found")
        assert api.ask("GET", f"/v1/projects/{other}/previews/{made}").error == (404, "preview_not_found")
        assert api.ask("DELETE", f"/v1/projects/{other}/previews/{made}").error == (404, "preview_not_found")
        assert api.ask("DELETE", f"/v1/projects/shop/previews/{made}").status == 204
        assert api.ask("DELETE", f"/v1/projects/shop/previews/{made}").error == (404, "preview_not_found")

    def test_only_who_may_deploy_makes_one(self, api: Api, host: Host) -> None:
        answer = api.ask("POST", f"/v1/projects/{host.project}/previews", {"branch": "x"}, token=api.owner.tokens[Scope.READ])
        assert answer.error == (403, "insufficient_scope")


class TestNames:
    def test_a_name_that_somebody_has_is_never_taken(self, api: Api, host: Host, ada: Person) -> None:
        assert host.project == "shop"
        other = api.somebody()
        assert api.ask("POST", "/v1/projects", {"name": "x", "slug": "shop-next"}, token=other.tokens[Scope.ADMIN]).status == 201
        branch(ada, "next", "<p>next</p>")
        url = make(api, "next").json["url"]
        assert url.startswith("http://shop-next-")
        work(api)
        assert page(api, "shop-next")[0] == 404
        assert page(api, url.split("/")[2].split(".")[0]) == (200, "<p>next</p>")

    def test_branches_that_read_alike_have_urls_of_their_own(self, api: Api, host: Host, ada: Person) -> None:
        assert host.project == "shop"
        urls = set()
        for name in ("a/b", "a-b", "A_b"):
            branch(ada, name, name)
            urls.add(make(api, name).json["url"])
        assert len(urls) == 3


def test_each_change_of_a_preview_is_written_down(api: Api, host: Host, ada: Person) -> None:
    def events() -> list[str]:
        with api.container.transactions.begin() as tx:
            return [row[0] for row in tx.connection.execute("SELECT name FROM events WHERE name LIKE 'preview.%' ORDER BY id").fetchall()]

    commit = branch(ada, "evil", "x")
    host.pull_request("opened", 1, "evil", commit, fork="stranger/shop")
    (shown,) = listed(api)
    api.ask("POST", f"/v1/projects/shop/previews/{shown['id']}/approve", {})
    api.ask("DELETE", f"/v1/projects/shop/previews/{shown['id']}")
    assert events() == ["preview.opened", "preview.waiting", "preview.approved", "preview.closed"]


@pytest.mark.contract("Cantila", "POST /v1/projects/:id/previews")
def test_it_gets_the_variables_of_previews_and_of_all_and_none_of_production(api: Api, host: Host, ada: Person) -> None:
    assert host.project == "shop"
    api.ask("PATCH", "/v1/projects/shop", {"start_command": "sleep 600"})
    for environment in ("production", "preview", "all"):
        body = {"key": f"OF_{environment.upper()}", "value": environment, "environment": environment}
        assert api.ask("POST", "/v1/projects/shop/env", body).status == 201
    (ada.tree / "index.html").unlink()
    ada.commit(APP)
    ada.git("branch", "next")
    make(api, "next")
    work(api)
    row = api.get("/v1/projects/shop/instances?environment=preview/next")["instances"][0]
    with (api.container.home.instance_logs / f"{row['id']}.log").open("a") as log:
        log.write("hello from the preview\n")
    assert api.get("/v1/projects/shop/logs")["lines"] == []
    lines = api.get("/v1/projects/shop/logs?environment=preview/next")["lines"]
    assert [line["text"] for line in lines] == ["hello from the preview"]
    (given,) = [program.spec.environment for program in api.runtime.machine.programs.values()]
    assert given["CANONRY_ENVIRONMENT"] == "preview/next"
    assert (given["OF_PREVIEW"], given["OF_ALL"]) == ("preview", "all")
    assert "OF_PRODUCTION" not in given
