"""Canon's rows about tickets."""

from pathlib import Path

import pytest

from canonry.core.access import Scope
from tests.support.api import Answer, Api
from tests.support.specs import spec_repository
from tests.support.tickets import FILE, changed, commits, pull, push, synced, text, ticketed, tickets

WHERE = {"owner": "ada", "repo": "handbook"}


@pytest.fixture
def handbook(api: Api, tmp_path: Path) -> str:
    return spec_repository(api, tmp_path).name


def _ask(api: Api, operation: str, body: dict[str, object], **options: str) -> Answer:
    return api.ask("POST", f"/app/ada/api/tickets/{operation}", {**WHERE, **body}, **options)


def _made(api: Api, **fields: object) -> str:
    answer = _ask(api, "create", {"input": {"project_key": "PAY", "summary": "Retry a charge", **fields}})
    assert answer.status == 200, answer.body
    return str(answer.json["ticket_id"])


@pytest.mark.contract("Canon", "POST /app/{org}/api/tickets/create")
def test_a_ticket_is_made_with_its_labels(api: Api, handbook: str) -> None:
    assert handbook
    fields = {
        "project_key": "PAY", "summary": "Retry a charge", "description": "Three times.", "labels": ["payments", "v2"],
        "assignees": ["ada"],
        "status": {"state": "blocked", "blocked_by": "PAY-9"}, "milestone": "M1", "custom_fields": {"points": 3}, "issue_type": "Bug",
    }  # fmt: skip
    answer = _ask(api, "create", {"input": fields})
    assert (answer.status, answer.json["ticket_id"]) == (200, "PAY-1")
    shown = api.get("/v1/tickets/PAY-1")["ticket"]
    assert answer.json["ticket_url"].endswith("/v1/tickets/PAY-1")
    expected = {key: value for key, value in fields.items() if key != "status"} | {
        "state": "blocked", "blocked_by": "PAY-9", "raw_status": "Blocked"
    }  # fmt: skip
    assert {key: shown[key] for key in expected} == expected
    part = _made(api, parent_ticket_id="PAY-1")
    assert (part, api.get(f"/v1/tickets/{part}")["ticket"]["parent_id"]) == ("PAY-2", "PAY-1")
    assert _ask(api, "create", {"input": fields}, token=api.owner.tokens[Scope.READ]).error[0] == 403
    assert len(tickets(api)) == 2


@pytest.mark.parametrize(("body", "status", "code"), [
    ({"input": {"project_key": "pay!", "summary": "x"}}, 400, "invalid_project_key"),
    ({"input": {"project_key": "PAY", "summary": ""}}, 422, "validation_failed"),
    ({"input": {"project_key": "PAY", "summary": "a\0"}}, 422, "validation_failed"),
    ({"input": {"project_key": "PAY", "summary": "x", "custom_fields": {"a": "\0"}}}, 422, "validation_failed"),
    ({"input": {"project_key": "PAY", "summary": "x", "status": {"state": "soon"}}}, 422, "validation_failed"),
    ({"input": {"project_key": "PAY", "summary": "x", "parent_ticket_id": "PAY-77"}}, 404, "ticket_not_found"),
    ({"input": {"project_key": "PAY", "summary": "x"}, "ticket_system": "jira"}, 422, "tracker_not_connected"),
    ({"input": {"project_key": "PAY", "summary": "x"}, "repo": "nothing"}, 404, "repository_not_found"),
    ({"input": {"project_key": "PAY", "summary": "x"}, "owner": "eve", "ticket_system": "github"}, 400, "owner_differs"),
    ({"input": {"project_key": "PAY", "summary": "x"}, "repo": None}, 400, "repository_missing"),
])  # fmt: skip
def test_what_is_no_ticket_is_refused_and_nothing_is_made(api: Api, handbook: str, body: dict[str, object], status: int, code: str) -> None:
    assert handbook
    assert _ask(api, "create", body).error == (status, code)
    assert tickets(api) == []


@pytest.mark.contract("Canon", "POST /app/{org}/api/tickets/status")
def test_the_state_of_a_ticket_comes_with_the_trackers_word(api: Api, handbook: str) -> None:
    assert handbook
    ticket = _made(api, status={"state": "in_progress"})
    assert _ask(api, "status", {"ticket_id": ticket}).json == {
        "ticket_id": "PAY-1", "status": {"state": "in_progress", "blocked_by": None}, "raw_status": "In Progress"
    }  # fmt: skip
    assert _ask(api, "status", {"ticket_id": "PAY-2"}).error == (404, "ticket_not_found")
    assert api.ask("POST", "/app/ada/api/tickets/status", {"ticket_system": "canonry", "ticket_id": ticket}).status == 200
    other = api.somebody()
    foreign = {"ticket_system": "canonry", "ticket_id": ticket}
    assert api.ask("POST", f"/app/{other.handle}/api/tickets/status", foreign, token=other.tokens[Scope.ADMIN]).error[0] == 404
    assert api.ask("POST", "/app/ada/api/tickets/status", foreign, token=other.tokens[Scope.ADMIN]).error[0] in {403, 404}


@pytest.mark.contract("Canon", "POST /app/{org}/api/tickets/batch-status")
def test_good_and_bad_ids_come_back_apart(api: Api, handbook: str) -> None:
    assert handbook
    first, second = _made(api), _made(api)
    answer = _ask(api, "batch-status", {"ticket_ids": [second, "PAY-99", first]}).json
    assert [item["ticket_id"] for item in answer["results"]] == [second, first]
    assert [item["ticket_id"] for item in answer["errors"]] == ["PAY-99"]
    assert "ticket_not_found" in answer["errors"][0]["error"]
    assert _ask(api, "batch-status", {"ticket_ids": ["PAY-1"] * 101}).error[0] == 422
    assert len(_ask(api, "batch-status", {"ticket_ids": ["PAY-1"] * 100}).json["results"]) == 100


@pytest.mark.contract("Canon", "POST /app/{org}/api/tickets/update")
def test_what_is_left_out_of_a_change_stays(api: Api, handbook: str) -> None:
    assert handbook
    ticket = _made(api, description="Three times.", labels=["payments"], custom_fields={"points": 3, "team": "a"})
    change = {"ticket_id": ticket, "summary": "Retry twice", "status": {"state": "done"}, "custom_fields": {"points": 5}}
    assert _ask(api, "update", {"input": change}).json == {"ok": True}
    shown = tickets(api)[0]
    assert [shown[key] for key in ("summary", "state", "raw_status", "description", "labels", "custom_fields")] == [
        "Retry twice", "done", "Done", "Three times.", ["payments"], {"points": 5, "team": "a"}
    ]  # fmt: skip
    assert _ask(api, "update", {"input": {"ticket_id": "PAY-9", "summary": "x"}}).error == (404, "ticket_not_found")
    assert _ask(api, "update", {"input": change}, token=api.owner.tokens[Scope.READ]).error[0] == 403


@pytest.mark.contract("Canon", "POST /app/{org}/api/tickets/link-pr")
def test_a_ticket_shows_the_pull_requests_it_names(api: Api, handbook: str) -> None:
    assert handbook
    ticket = _made(api)
    url = "https://github.com/ada/shop/pull/7"
    for title in ("Retry", "Retry, again"):
        assert _ask(api, "link-pr", {"ticket_id": ticket, "pr_url": url, "pr_title": title}).json == {"ok": True}
    assert tickets(api)[0]["pull_requests"] == [{"url": url, "title": "Retry, again"}]
    for wrong in ("no address", "javascript:alert(1)", ""):
        assert _ask(api, "link-pr", {"ticket_id": ticket, "pr_url": wrong}).error[0] == 422
    assert _ask(api, "link-pr", {"ticket_id": "PAY-9", "pr_url": url}).error == (404, "ticket_not_found")


@pytest.mark.contract("Canon", "ticket sync both ways")
@pytest.mark.criterion("living-specs#one-ticket", "living-specs#who-follows")
def test_a_section_gets_one_ticket_and_both_follow_each_other(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path)
    assert [(ticket["id"], ticket["state"], ticket["summary"]) for ticket in tickets(api)] == [
        ("PAY-1", "todo", "[Charges §1] Retry"), ("PAY-2", "in_progress", "[Charges §2] Refund")
    ]  # fmt: skip
    first = tickets(api)[0]
    assert (first["labels"], first["assignees"]) == (["payments"], ["ada"])
    assert "A charge that fails is tried again." in first["description"]
    assert "- [ ] It MUST be tried three times\n- [x] It is logged" in first["description"]
    assert first["description"].endswith("<!-- canon:section:docs/specs/charges:1 -->")
    written = text(handbook)
    assert f"<!-- canon:ticket:canonry:PAY-1 url:{first['url']} -->" in written
    assert commits(handbook)[0] == "chore(canon): bring 1 spec in step with its tickets"
    before = commits(handbook)
    for _ in range(3):
        assert synced(handbook)["status"] == "success"
    push(handbook, {"README.md": "# more"})
    assert (len(tickets(api)), commits(handbook)[1:]) == (2, before)
    changed(handbook, "PAY-1", state="done")
    assert text(handbook) == written.replace("canon:system:1 status:todo", "canon:system:1 status:done")
    pull(handbook)
    push(handbook, {FILE: text(handbook).replace("canon:system:1 status:done", "canon:system:1 status:todo")})
    assert tickets(api)[0]["state"] == "todo"
    answer = api.ask("GET", f"/app/ada/api/specs/ada/handbook/{FILE}").json
    assert [section["ticket_link"] and section["ticket_link"]["ticket_id"] for section in answer["document"]["sections"]] == [
        "PAY-1", "PAY-2", None, None
    ]  # fmt: skip
