"""What a sync does with a repository: each rule, and what may come in between."""

from pathlib import Path

import pytest

from canonry.core.access import Actor, Permission, Role
from canonry.features import git
from canonry.features.tickets import follow_broken_links, jobs, syncing
from canonry.features.tickets.schemas import CreateTicketRequest, wish_from
from canonry.features.tickets.service import Desk
from canonry.features.tickets.syncing import Wish
from canonry.infra.tx import Tx
from tests.support.api import Api
from tests.support.tickets import CANON, FILE, SPEC, changed, commits, pull, push, settle, synced, text, ticketed, tickets


@pytest.mark.criterion("living-specs#one-ticket")
def test_a_crash_between_the_ticket_and_the_commit_makes_no_second_ticket(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(git, "commit_files", _killed)
        with pytest.raises(KeyboardInterrupt):
            ticketed(api, tmp_path)
    assert len(tickets(api)) == 2
    repository = api.get("/v1/repositories")["repositories"][0]["id"]
    result = syncing.run(api.container, repository, Wish())
    assert (len(tickets(api)), len(result.created), len(result.linked)) == (2, 0, 2)
    content = git.content_at(git.hosted_repository(api.container.home, repository), "main", FILE) or b""
    assert content.count(b"canon:ticket:canonry:PAY-") == 2


def _killed(*_arguments: object, **_options: object) -> object:
    raise KeyboardInterrupt


@pytest.mark.criterion("living-specs#save-kept")
def test_a_save_in_between_is_kept_and_the_sync_is_done_on_top_of_it(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handbook = ticketed(api, tmp_path, {FILE: SPEC.replace("status:todo", "status:draft").replace("status:in_progress", "status:draft")})
    assert tickets(api) == []
    pull(handbook)
    handbook.push({FILE: SPEC})
    real, calls = git.commit_files, []

    def meddled(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            handbook.push({FILE: SPEC.replace("is tried again", "is tried once more")})
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(git, "commit_files", meddled)
    settle(handbook)
    monkeypatch.undo()
    assert "is tried once more" in text(handbook)
    assert (text(handbook).count("canon:ticket:"), len(tickets(api)), len(calls)) == (2, 2, 2)


@pytest.mark.parametrize(("spec", "canon", "count", "why"), [
    (SPEC.replace("review_status: approved\n", ""), CANON, 0, "not approved"),
    (SPEC.replace("review_status: approved\n", "sync: true\n"), CANON, 2, ""),
    (SPEC.replace("review_status: approved\n", "sync: false\n"), CANON, 0, "sync: false"),
    (SPEC, CANON.replace("specs:\n", "specs:\n  auto_tickets: false\n"), 0, "auto_tickets: false"),
    (SPEC.replace("review_status: approved\n", ""), CANON.replace("specs:\n", "specs:\n  require_review: false\n"), 2, ""),
    (SPEC, CANON.replace("system: canonry", "system: jira"), 0, "jira is not connected"),
    (SPEC, CANON.replace("ticket_systems:\n  board:\n    system: canonry\n    project: PAY\n", "ticket_system: canonry\n"), 2, ""),
    (SPEC, CANON + "routing:\n  - match: {tags: [other]}\n    target: board\n", 0, "names no ticket system"),
    (SPEC, CANON + "routing:\n  - match: {tags: [payments]}\n    target: board\n", 2, ""),
])  # fmt: skip
def test_the_rules_decide_which_section_gets_a_ticket(api: Api, tmp_path: Path, spec: str, canon: str, count: int, why: str) -> None:
    handbook = ticketed(api, tmp_path, {FILE: spec}, canon=canon)
    assert len(tickets(api)) == count
    told = synced(handbook)
    assert any(why in item["note"] for item in told["skipped"]) or not why
    assert (told["created"], told["errors"]) == ([], [])


def test_a_dry_run_says_what_would_be_done_and_does_nothing(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path, {"README.md": "# nothing"})
    pull(handbook)
    handbook.push({FILE: SPEC})
    before = commits(handbook)
    told = synced(handbook, dry_run=True)
    assert ([item["section"] for item in told["created"]], told["status"]) == (["1-retry", "2-refund"], "success")
    assert (tickets(api), commits(handbook)) == ([], before)


def test_a_ticket_that_is_called_so_is_taken_and_keeps_its_text(api: Api, tmp_path: Path) -> None:
    body = {"ticket_system": "canonry", "input": {"project_key": "PAY", "summary": "[Charges §1] Retry", "description": "By hand."}}
    assert api.ask("POST", "/app/ada/api/tickets/create", body).json["ticket_id"] == "PAY-1"
    handbook = ticketed(api, tmp_path)
    assert [(ticket["id"], ticket["description"][:8]) for ticket in tickets(api)] == [
        ("PAY-1", "By hand."),
        ("PAY-2", tickets(api)[1]["description"][:8]),
    ]
    assert "canon:ticket:canonry:PAY-1 " in text(handbook)


def test_the_ticket_says_what_the_section_says_when_that_changes(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path)
    pull(handbook)
    push(handbook, {FILE: text(handbook).replace("- [ ] It MUST be tried three times", "- [x] It MUST be tried three times")})
    assert "- [x] It MUST be tried three times" in tickets(api)[0]["description"]
    assert tickets(api)[0]["state"] == "todo"


@pytest.mark.parametrize(("lifecycle", "after_done", "after_again"), [
    ("true", "done", "todo"), ("close_only", "done", "done"), ("false", "todo", "todo"),
])  # fmt: skip
def test_lifecycle_sync_says_whether_tickets_are_closed_and_opened_again(
    api: Api, tmp_path: Path, lifecycle: str, after_done: str, after_again: str
) -> None:
    handbook = ticketed(api, tmp_path, canon=CANON.replace("specs:\n", f"specs:\n  lifecycle_sync: {lifecycle}\n"))
    for word, expected in (("done", after_done), ("todo", after_again)):
        pull(handbook)
        now = "done" if word == "todo" else "todo"
        push(handbook, {FILE: text(handbook).replace(f"canon:system:1 status:{now}", f"canon:system:1 status:{word}")})
        assert tickets(api)[0]["state"] == expected
        assert f"canon:system:1 status:{word}" in text(handbook)


@pytest.mark.criterion("living-specs#who-follows")
def test_when_both_moved_the_spec_is_the_truth(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path)
    assert api.ask("PATCH", "/v1/tickets/PAY-1", {"state": "blocked", "blocked_by": "PAY-2"}).status == 200
    pull(handbook)
    push(handbook, {FILE: text(handbook).replace("canon:system:1 status:todo", "canon:system:1 status:in_progress")})
    assert (tickets(api)[0]["state"], "canon:system:1 status:in_progress" in text(handbook)) == ("in_progress", True)


def test_a_blocked_ticket_says_by_what_and_a_section_without_a_status_gets_one(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path)
    changed(handbook, "PAY-2", state="blocked", blocked_by="PAY-1")
    assert "<!-- canon:system:2 status:blocked:PAY-1 -->" in text(handbook)
    pull(handbook)
    push(handbook, {FILE: text(handbook).replace("<!-- canon:system:2 status:blocked:PAY-1 -->\n", "")})
    assert tickets(api)[1]["state"] == "draft"
    changed(handbook, "PAY-2", state="done")
    assert "<!-- canon:system:2 status:done -->" in text(handbook)
    assert commits(handbook)[0].startswith("chore(canon): ")


def test_a_changed_ticket_that_says_the_same_makes_no_commit(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path)
    before = commits(handbook)
    changed(handbook, "PAY-1", summary="Another name")
    changed(handbook, "PAY-1", state="todo")
    assert commits(handbook) == before


@pytest.mark.criterion("living-specs#broken-links")
def test_a_link_to_nothing_is_broken_until_it_leads_somewhere_again(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path)
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE tickets SET id = 'GONE-1' WHERE id = 'PAY-1'")
    assert "the link is broken" in str(synced(handbook)["skipped"])
    address = f"/app/ada/api/specs/ada/handbook/{FILE}"
    assert api.ask("GET", address).json["broken_sections"] == ["1-retry"]
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE tickets SET id = 'PAY-1' WHERE id = 'GONE-1'")
    synced(handbook)  # it is looked at again after a day
    assert api.ask("GET", address).json["broken_sections"] == ["1-retry"]
    follow_broken_links(api.container.transactions)
    assert _waiting(api) == []
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE broken_ticket_links SET checked_at = now() - interval '25 hours'")
    follow_broken_links(api.container.transactions)
    (waiting,) = _waiting(api)
    jobs.follow(api.container, **waiting)
    assert api.ask("GET", address).json["broken_sections"] == []


def _waiting(api: Api) -> list[dict[str, str]]:
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = 'tickets.follow' AND status = 'todo'"
        ).fetchall()
    return [row[0] for row in rows]


def test_what_is_told_of_a_ticket_and_the_ticket_are_one(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tx, "emit", _killed)
    body = {"ticket_system": "canonry", "input": {"project_key": "PAY", "summary": "Retry"}}
    with pytest.raises(KeyboardInterrupt):
        Desk(api.container, _actor(api), "canonry").create(wish_from(CreateTicketRequest.model_validate(body).input))
    monkeypatch.undo()
    assert tickets(api) == []
    made = api.ask("POST", "/app/ada/api/tickets/create", body).json["ticket_id"]
    assert (made, api.ask("PATCH", f"/v1/tickets/{made}", {}).error) == ("PAY-1", (400, "nothing_to_change"))


def _actor(api: Api) -> Actor:
    owner = api.owner
    return Actor(owner.user_id, owner.organization_id, "ada", frozenset(Permission), role=Role.OWNER)


def test_sections_that_cannot_be_followed_are_told_and_stop_no_other(api: Api, tmp_path: Path) -> None:
    twice = SPEC + "\n## 1. Again\n\n<!-- canon:system:1 status:todo -->\n"
    linked = twice + "\n## 4. Elsewhere\n\n<!-- canon:system:4 status:todo -->\n<!-- canon:ticket:jira:ABC-1 -->\n"
    handbook = ticketed(api, tmp_path, {FILE: linked, "docs/specs/other.md": SPEC.replace("Charges", "Other")})
    assert len(tickets(api)) == 4
    told = synced(handbook)
    assert any("stands twice" in item["note"] for item in told["errors"])
    assert any("one of jira" in item["note"] for item in told["skipped"])
    assert told["status"] == "failed"


def test_our_own_commits_start_no_sync_and_a_robot_s_neither(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path)
    pull(handbook)
    handbook.push({FILE: text(handbook) + "\n## 5. New\n\n<!-- canon:system:5 status:todo -->\n"}, "chore(canon): by somebody")
    settle(handbook)
    assert len(tickets(api)) == 2
    assert len(synced(handbook)["created"]) == 1


def test_half_a_sync_changes_only_its_side(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path)
    assert api.ask("PATCH", "/v1/tickets/PAY-1", {"state": "done"}).status == 200
    assert synced(handbook, direction="forward")["status_changed"] == []
    assert "canon:system:1 status:todo" in text(handbook)
    assert [item["ticket_id"] for item in synced(handbook, direction="reverse")["status_changed"]] == ["PAY-1"]
    assert "canon:system:1 status:done" in text(handbook)
    runs = api.get(f"/v1/repositories/{handbook.id}/tickets/syncs")["syncs"]
    assert [run["trigger"] for run in runs] == ["manual", "manual", "push"]


def test_words_and_kinds_of_tickets_are_those_of_the_configuration(api: Api, tmp_path: Path) -> None:
    canon = (
        CANON
        + """    status_map:
      forward: {todo: Ready}
      reverse: {Ready: todo, Shipped: done}
    hierarchy: {depth_to_type: {2: Story, 3: Sub-task}, auto_parent: true}
    templates:
      summary: "{{spec.title}}: {{section.title}}"
      description: "{{#each section.criteria}}* {{this}}\\n{{/each}}{{section.body}} {{spec.owner}}"
    field_map: {custom: {where: "{{section.number}} of {{spec.title}}"}}
"""
    )
    spec = SPEC.replace("## 2. Refund", "### 1.1. Wait\n\n<!-- canon:system:1.1 status:todo -->\n\nAs {{spec.title}} says.\n\n## 2. Refund")
    ticketed(api, tmp_path, {FILE: spec}, canon=canon)
    first, second, _ = tickets(api)
    assert (first["summary"], first["raw_status"], first["issue_type"]) == ("Charges: Retry", "Ready", "Story")
    assert first["description"].startswith("* - [ ] It MUST be tried three times\n* - [x] It is logged\nA charge")
    assert (second["issue_type"], second["parent_id"], second["custom_fields"]) == ("Sub-task", "PAY-1", {"where": "1.1 of Charges"})
    assert "As {{spec.title}} says. ada" in second["description"]


def test_what_is_gone_meanwhile_is_no_fault(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path)
    assert api.ask("DELETE", f"/v1/repositories/{handbook.id}").status in {200, 204}
    jobs.after_index(api.container, handbook.id)
    jobs.after_push(api.container, handbook.id)
    jobs.carry_out(api.container, handbook.id, "run_none")
    assert syncing.run(api.container, handbook.id, Wish()).changes == 0
