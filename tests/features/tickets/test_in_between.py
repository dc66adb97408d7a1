"""What comes in between a push and its tickets, or changes what they are for."""

from pathlib import Path
from threading import Thread

import pytest

from canonry.features.tickets import jobs, syncing
from canonry.features.tickets.syncing import Wish
from canonry.wiring.container import Container
from tests.support.api import Api
from tests.support.github_specs import specs_at_github
from tests.support.tickets import CANON, FILE, SPEC, changed, pull, settle, synced, text, ticketed, tickets

OTHER = {"docs/specs/other.md": SPEC.replace("Charges", "Other")}


def test_a_section_put_in_front_gets_a_ticket_of_its_own(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path)
    pull(handbook)
    moved = text(handbook).replace("## 3. Later", "## 4. Later").replace("## 2. Refund", "## 3. Refund").replace("system:2 ", "system:3 ")
    moved = moved.replace("system:1 ", "system:2 ").replace(
        "## 1. Retry", "## 1. Charge\n\n<!-- canon:system:1 status:todo -->\n\nFirst.\n\n## 2. Retry"
    )
    handbook.push({FILE: moved})
    told = synced(handbook, dry_run=True)
    assert ([item["section"] for item in told["created"]], told["errors"]) == (["1-charge"], [])
    settle(handbook)
    assert [ticket["summary"] for ticket in tickets(api)] == ["[Charges §2] Retry", "[Charges §3] Refund", "[Charges §1] Charge"]
    assert synced(handbook)["status"] == "success"
    assert len(tickets(api)) == 3


@pytest.mark.criterion("living-specs#one-ticket")
def test_syncs_at_the_same_time_make_one_ticket_for_each_section(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path, {"README.md": "# nothing"})
    pull(handbook)
    handbook.push({FILE: SPEC})
    faults: list[Exception] = []

    def run() -> None:
        try:
            syncing.run(api.container, handbook.id, Wish())
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test is to see it
            faults.append(error)

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert synced(handbook)["status"] == "success"
    assert (len(tickets(api)), text(handbook).count("canon:ticket:"), faults) == (2, 2, [])


def test_a_push_below_a_commit_of_ours_is_followed(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path)
    pull(handbook)
    handbook.push(OTHER)
    changed(handbook, "PAY-1", state="done")
    settle(handbook)
    assert len(tickets(api)) == 4


def test_a_ticket_that_changed_first_does_not_hide_a_new_configuration(api: Api, tmp_path: Path) -> None:
    held = {path: content.replace("review_status: approved\n", "") for path, content in OTHER.items()}
    handbook = ticketed(api, tmp_path, {FILE: SPEC, **held})
    assert len(tickets(api)) == 2
    pull(handbook)
    handbook.push({"CANON.yaml": CANON.replace("specs:\n", "specs:\n  require_review: false\n")})
    changed(handbook, "PAY-1", summary="Another name")
    settle(handbook)
    assert len(tickets(api)) == 4


def test_a_sync_of_one_side_does_not_hide_a_push_from_the_other(api: Api, tmp_path: Path) -> None:
    handbook = ticketed(api, tmp_path, {"README.md": "# nothing"})
    pull(handbook)
    handbook.push({FILE: SPEC})
    synced(handbook, direction="reverse")
    settle(handbook)
    assert len(tickets(api)) == 2


def test_only_what_is_blocked_is_blocked_by_something(api: Api, tmp_path: Path) -> None:
    ticketed(api, tmp_path)
    for wrong in ({"blocked_by": "PAY-2"}, {"state": "done", "blocked_by": "PAY-2"}):
        assert api.ask("PATCH", "/v1/tickets/PAY-1", wrong).error == (400, "blocked_by_without_blocked")
    wish = {"project_key": "PAY", "summary": "x", "status": {"state": "todo", "blocked_by": "PAY-2"}}
    answer = api.ask("POST", "/app/ada/api/tickets/create", {"ticket_system": "canonry", "input": wish})
    assert answer.error == (400, "blocked_by_without_blocked")
    assert [(ticket["state"], ticket["blocked_by"]) for ticket in tickets(api)] == [("todo", None), ("in_progress", None)]


def test_links_are_written_where_the_repository_lives(container: Container, tmp_path: Path) -> None:
    with specs_at_github(container, tmp_path) as there:
        number = there.add()
        hosted = there.github.hosted["acme/specs"]
        files = {"CANON.yaml": CANON, FILE: SPEC, **OTHER}
        there.push({path: content.encode() for path, content in files.items()})
        jobs.after_push(there.api.container, number)
        assert [hosted.text(path).count("canon:ticket:canonry:PAY-") for path in (FILE, *OTHER)] == [2, 2]
        assert hosted.git("log", "-1", "--format=%s", "main").startswith("chore(canon): ")
        there.work()
        jobs.after_push(there.api.container, number)
        assert len(there.api.get("/v1/tickets")["tickets"]) == 4
        assert "canon:ticket:canonry:PAY-1 " in there.spec(FILE)["document"]["raw"]


def test_a_credential_of_one_project_sees_no_tickets_of_the_organization(api: Api, tmp_path: Path) -> None:
    ticketed(api, tmp_path)
    bound = api.ask("POST", "/v1/tokens", {"name": "b", "scope": "admin", "project": api.project()}).json["token"]
    for path in ("/v1/tickets", "/v1/tickets/PAY-1"):
        assert api.ask("GET", path, token=bound).error == (403, "insufficient_scope")
