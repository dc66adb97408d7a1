"""The audit trail as callers read it."""

from typing import Any

import pytest

from canonry.core.access import PERMISSIONS, Scope
from canonry.core.events import Event
from canonry.core.paging import Page
from canonry.features.audit import service
from canonry.features.audit.models import Filter, Recorded
from canonry.features.audit.rules import KINDS, kind_of, summary_of
from canonry.features.tokens import create_token
from tests.support.api import SITE, Api


class SignInFailed(Event):
    name = "sign_in.failed"


def events(api: Api, query: str = "", token: str = "") -> list[dict[str, Any]]:
    answer = api.ask("GET", f"/v1/activity{query}", token=token)
    assert answer.status == 200, answer.body
    return list(answer.json["events"])


def names(api: Api, query: str = "", token: str = "") -> list[str]:
    return [event["name"] for event in events(api, query, token)]


def bound_token(api: Api, slug: str) -> str:
    project_id = api.get(f"/v1/projects/{slug}")["id"]
    with api.container.transactions.begin() as tx:
        token = create_token(
            tx, organization_id=api.owner.organization_id, user_id=api.owner.user_id, name="one", scope=Scope.READ
        ).reveal()
        tx.connection.execute("UPDATE tokens SET project_id = %s WHERE name = 'one'", (project_id,))
    return token


def test_an_event_says_who_did_what_with_what_from_where_and_what_changed(api: Api) -> None:
    slug = api.project("shop")
    answer = api.ask("PATCH", f"/v1/projects/{slug}", {"build_command": "make"}, headers={"X-Forwarded-For": "192.0.2.7"})
    (event,) = events(api, "?name=project.changed")
    assert (event["kind"], event["name"]) == ("config", "project.changed")
    assert (event["actor"]["id"], event["actor"]["name"]) == (api.owner.user_id, "ada")
    assert event["actor"]["credential"].startswith("token tok_")
    assert (event["address"], event["request_id"]) == ("192.0.2.7", answer.headers["x-request-id"])
    assert event["before"] == {"slug": "shop", "build_command": None}
    assert event["after"] == {"slug": "shop", "build_command": "make"}
    assert event["summary"] == "project changed: shop (build_command none → make)"
    assert event["project_id"] == api.get("/v1/projects/shop")["id"]
    assert len(event["hash"]) == 64


def test_newest_first_by_pages_that_stay_while_events_are_added(api: Api) -> None:
    for number in range(5):
        api.project(f"shop-{number}")
    first = api.get("/v1/activity?limit=2")
    api.project("later")
    second = api.get(f"/v1/activity?limit=2&cursor={first['next_cursor']}")
    third = api.get(f"/v1/activity?limit=2&cursor={second['next_cursor']}")
    slugs = [event["after"].get("slug") for page in (first, second, third) for event in page["events"]]
    assert slugs == ["shop-4", "shop-3", "shop-2", "shop-1", "shop-0"]
    assert third["next_cursor"] is None
    for query in ("limit=0", "limit=501", "cursor=x"):
        assert api.ask("GET", f"/v1/activity?{query}").status == 400


def test_the_cursor_of_another_list_is_refused(api: Api) -> None:
    for number in range(2):
        api.project(f"shop-{number}")
    cursor = api.get("/v1/projects?limit=1")["next_cursor"]
    assert api.ask("GET", f"/v1/activity?cursor={cursor}").error == (400, "invalid_cursor")


def test_filters_narrow_and_combine(api: Api) -> None:
    shop, bakery = api.project("shop"), api.project("bakery")
    api.deploy(shop, SITE)
    api.ask("POST", f"/v1/projects/{bakery}/stop")
    shop_id = api.get("/v1/projects/shop")["id"]
    assert names(api, "?project=shop") == ["deployment.succeeded", "deployment.requested", "project.created"]
    assert names(api, f"?project={shop_id}&kind=deploy") == ["deployment.succeeded", "deployment.requested"]
    assert names(api, "?kind=config") == ["project.stopped", "project.created", "project.created"]
    assert names(api, "?name=deployment.*") == ["deployment.succeeded", "deployment.requested"]
    assert names(api, "?name=deployment") == names(api, "?kind=backup") == names(api, "?kind=system") == []
    assert names(api, f"?actor={api.owner.user_id}&name=deployment.*") == ["deployment.requested"]
    assert names(api, "?since=1h&kind=deploy") == names(api, "?kind=deploy")
    assert names(api, "?until=1h") == []
    middle = events(api, "?name=project.stopped")[0]["at"].replace("+", "%2B")
    assert names(api, f"?since={middle}") == ["project.stopped"]
    assert "project.stopped" not in names(api, f"?until={middle}")


@pytest.mark.parametrize(("query", "code"), [("kind=x", "validation_failed"), ("since=x", "invalid_since"), ("until=x", "invalid_since")])
def test_a_wrong_filter_is_refused_by_name(api: Api, query: str, code: str) -> None:
    answer = api.ask("GET", f"/v1/activity?{query}")
    assert answer.error == (400, code)
    assert answer.json["issues"][0]["path"] == f"query.{query.partition('=')[0]}"


def test_of_a_deleted_project_the_events_stay(api: Api) -> None:
    slug = api.project("shop")
    project_id = api.get("/v1/projects/shop")["id"]
    assert api.ask("DELETE", f"/v1/projects/{slug}").status == 204
    assert names(api, f"?project={project_id}") == ["project.deleted", "project.created"]
    assert events(api, "?name=project.deleted")[0]["before"]["slug"] == "shop"
    assert api.ask("GET", "/v1/activity?project=shop").error == (404, "project_not_found")


def test_another_organization_sees_none_of_them(api: Api) -> None:
    api.project("shop")
    other, project_id = api.somebody(), api.get("/v1/projects/shop")["id"]
    assert {event["organization_id"] for event in events(api, token=other.tokens[Scope.ADMIN])} <= {other.organization_id}
    assert names(api, f"?project={project_id}", token=other.tokens[Scope.ADMIN]) == []


def test_a_token_of_one_project_sees_that_project_only(api: Api) -> None:
    api.project("shop")
    api.project("bakery")
    token = bound_token(api, "shop")
    assert [event["after"]["slug"] for event in events(api, token=token)] == ["shop"]
    assert api.ask("GET", "/v1/activity?project=bakery", token=token).error == (404, "project_not_found")
    bakery_id = api.get("/v1/projects/bakery")["id"]
    assert api.ask("GET", f"/v1/activity?project={bakery_id}", token=token).error == (404, "project_not_found")
    assert api.ask("GET", "/v1/activity/verify", token=token).error == (403, "insufficient_scope")


def test_events_without_an_organization_are_for_who_runs_the_platform(api: Api) -> None:
    with api.container.transactions.begin() as tx:
        tx.emit(SignInFailed(""))
    assert names(api) == []
    assert names(api, "?platform=true") == ["sign_in.failed"]  # the first owner runs the platform
    other = api.somebody()
    assert api.ask("GET", "/v1/activity?platform=true", token=other.tokens[Scope.ADMIN]).error == (403, "insufficient_scope")


def test_every_event_has_a_kind_and_a_line(api: Api) -> None:
    api.deploy(api.project("shop"), SITE)
    lines = {event["name"]: event["summary"] for event in events(api)}
    assert lines["deployment.succeeded"].startswith("deployment succeeded: shop (live none → dep_")
    for event in events(api):
        assert event["kind"] in KINDS
        assert event["summary"].startswith(event["name"].replace(".", " "))
    assert [kind_of(name) for name in ("domain.verified", "variable.set", "token.created", "member.invited")] == [
        "domain", "config", "key", "system",
    ]  # fmt: skip


def test_a_line_is_short_whatever_changed(api: Api) -> None:
    api.project("shop")
    with api.container.transactions.begin() as tx:
        rows, _ = service.activity(tx, api.owner.actor(PERMISSIONS[Scope.ADMIN]), Page(), Filter())
    before = dict.fromkeys("abcdef", "x" * 500)
    event = Recorded(**{**vars(rows[0]), "before": before, "after": dict.fromkeys("abcdef", "y" * 500)})
    assert len(summary_of(event)) < 400
