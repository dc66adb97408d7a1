"""The disk over HTTP: who uses what, what goes, what stays, and what happens when it fills."""

import threading
from typing import Any

import pytest

from canonry.adapters.disk.memory import MemoryDisk
from canonry.core.access import Scope
from canonry.features.disk import DiskRounds, governor, jobs
from canonry.features.disk.context import Context
from canonry.features.notifications import jobs as letters
from canonry.infra import mailbox
from tests.support.api import SITE, Api
from tests.support.between import beside, once_after, once_before


@pytest.fixture(autouse=True)
def disk(api: Api) -> MemoryDisk:
    """Give the disk of the API, with room again."""
    found = api.container.ports.disk
    assert isinstance(found, MemoryDisk)
    found.free = 50 << 30
    return found


def tidied(api: Api, slug: str) -> None:
    """Do what the worker would after a deploy."""
    jobs.tidy(api.container, project_id=api.get(f"/v1/projects/{slug}")["project"]["id"], environment="production")


def there(api: Api, deployment: dict[str, Any]) -> bool:
    return (api.container.home.artifacts / deployment["artifact_id"]).exists()


def versions(api: Api, slug: str, count: int) -> list[dict[str, Any]]:
    return [api.deploy(slug, {"index.html": f"version {number} of {slug}" + "x" * 300_000}) for number in range(count)]


def test_the_newest_five_and_what_is_live_or_pinned_are_kept(api: Api) -> None:
    slug = api.project()
    rows = versions(api, slug, 8)
    assert api.ask("PUT", f"/v1/deployments/{rows[0]['id']}/pin").json == {"deployment": rows[0]["id"], "pinned": True}
    tidied(api, slug)
    assert [there(api, row) for row in rows] == [True, False, False, True, True, True, True, True]
    assert api.get(f"/v1/projects/{slug}/disk")["pinned"] == [rows[0]["id"]]
    assert api.ask("PUT", f"/v1/deployments/{rows[1]['id']}/pin").error == (409, "artifact_missing")
    assert api.ask("DELETE", f"/v1/deployments/{rows[0]['id']}/pin").json["pinned"] is False
    tidied(api, slug)
    assert not there(api, rows[0])
    assert api.deployment(rows[-1]["id"])["status"] == "live"


def test_a_release_that_waits_to_be_rolled_back_to_stays(api: Api) -> None:
    slug = api.project()
    rows = versions(api, slug, 7)
    assert api.ask("POST", f"/v1/deployments/{rows[0]['id']}/rollback").status == 201
    tidied(api, slug)
    assert there(api, rows[0])
    api.work(slug)
    assert api.deployments(slug)[0]["status"] == "live"


@pytest.mark.parametrize("wish", ["rollback", "pin"])
def test_what_is_asked_for_while_it_is_measured_stays(api: Api, monkeypatch: pytest.MonkeyPatch, wish: str) -> None:
    slug = api.project()
    rows = versions(api, slug, 7)
    method = "POST" if wish == "rollback" else "PUT"
    once_after(monkeypatch, governor, "superfluous", lambda: api.ask(method, f"/v1/deployments/{rows[0]['id']}/{wish}"))
    tidied(api, slug)
    assert [there(api, row) for row in rows[:3]] == [True, False, True]
    assert wish == "rollback" or api.get(f"/v1/projects/{slug}/disk")["pinned"] == [rows[0]["id"]]
    api.work(slug)
    assert api.deployments(slug)[0]["status"] == "live"


@pytest.mark.parametrize("wish", ["rollback", "pin"])
def test_what_is_asked_for_while_it_goes_is_refused_or_stays(api: Api, monkeypatch: pytest.MonkeyPatch, wish: str) -> None:
    slug = api.project()
    rows = versions(api, slug, 7)
    asked: list[threading.Thread] = []
    answers: list[int] = []

    def ask() -> None:
        answers.append(api.ask("POST" if wish == "rollback" else "PUT", f"/v1/deployments/{rows[0]['id']}/{wish}").status)

    def beside_it() -> None:
        asked.append(beside(api.container.transactions, ask))

    once_before(monkeypatch, api.container.ports.builder, "remove", beside_it)
    tidied(api, slug)
    asked[0].join()
    assert (answers[0] == 409) is not there(api, rows[0])


def test_an_upload_that_is_asked_for_again_while_it_is_measured_stays(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project()
    rows = versions(api, slug, 7)
    execute = "UPDATE deployments SET status = 'failed' WHERE id = %s"
    with api.container.transactions.begin() as tx:
        tx.connection.execute(execute, (rows[0]["id"],))
    once_after(monkeypatch, governor, "superfluous", lambda: api.ask("POST", f"/v1/deployments/{rows[0]['id']}/retry"))
    tidied(api, slug)
    api.work(slug)
    assert api.deployments(slug)[0]["status"] == "live", api.deployments(slug)[0]


def test_who_uses_what_adds_up(api: Api) -> None:
    slug = api.project()
    versions(api, slug, 2)
    used = api.get(f"/v1/projects/{slug}/disk")["used"]
    assert used["artifacts"] > 600_000
    assert used["build_logs"] > 0
    assert used["total"] == sum(size for kind, size in used.items() if kind != "total")
    whole = api.get("/v1/disk")
    assert (whole["mark"], whole["free_bytes"]) == ("fine", 50 << 30)
    mine = next(row for row in whole["projects"] if row["slug"] == slug)
    assert mine["used"]["artifacts"] == used["artifacts"]


def test_only_who_runs_canonry_sees_the_whole_disk(api: Api) -> None:
    other = api.somebody()
    for method, path in (("GET", "/v1/disk"), ("POST", "/v1/disk/prune")):
        body = {} if method == "POST" else None
        assert api.ask(method, path, body, token=other.tokens[Scope.ADMIN]).error == (403, "insufficient_scope")


def test_a_dry_run_removes_nothing_and_a_prune_what_it_said(api: Api) -> None:
    slug = api.project()
    rows = versions(api, slug, 7)
    said = api.ask("POST", "/v1/disk/prune", {"dry_run": True}).json
    assert {item["name"] for item in said["removed"] if item["what"] == "artifact"} == {row["artifact_id"] for row in rows[:2]}
    assert all(there(api, row) for row in rows)
    done = api.ask("POST", "/v1/disk/prune", {}).json
    assert done["environments"] == 1
    tidied(api, slug)
    assert [there(api, row) for row in rows] == [False] * 2 + [True] * 5
    assert api.ask("POST", "/v1/disk/prune", {"dry": True}).error == (400, "validation_failed")


def test_when_the_disk_fills_builds_stop_and_what_runs_goes_on(api: Api, disk: MemoryDisk) -> None:
    slug = api.app()
    site = api.project()
    api.deploy(site, SITE)
    disk.free = 100 << 20
    failed = api.deploy(site, {"index.html": "new"})
    assert (failed["status"], failed["error"]["code"]) == ("failed", "disk_high_water")
    assert "100 MiB left" in failed["error"]["message"]
    assert "canonry disk prune" in failed["error"]["hint"]
    assert [row["status"] for row in api.instances(slug)] == ["healthy"]
    assert [row["status"] for row in api.deployments(site)] == ["failed", "live"]
    assert api.ask("GET", "/readyz").status == 200
    deep = api.ask("GET", "/readyz?deep=1")
    assert (deep.status, deep.json) == (503, {"status": "alarm", "alarms": ["disk_full"]})
    rows = api.deployments(slug)
    assert api.ask("POST", f"/v1/deployments/{rows[0]['id']}/rollback").status == 201  # needs no build, so it goes on
    api.work(slug)
    assert api.deployments(slug)[0]["status"] == "live"
    disk.free = 50 << 30
    assert api.deploy(site, {"index.html": "new"})["status"] == "live"
    assert api.ask("GET", "/readyz?deep=1").status == 200


def test_the_disk_fills_during_a_build(api: Api, disk: MemoryDisk) -> None:
    slug = api.project(start_command="sleep 600", build_command="make")
    first_looks = iter([50 << 30, 50 << 30])

    class Filling(MemoryDisk):
        def space(self) -> Any:  # noqa: ANN401 -- as the class above
            disk.free = next(first_looks, 10 << 20)
            return disk.space()

    room: Any = api.container.ports.build_room
    kept, room._disk = room._disk, Filling()
    try:
        ended = api.deploy(slug, {"start.sh": "sleep 600"})
    finally:
        room._disk = kept
    assert (ended["status"], ended["error"]["code"]) == ("failed", "disk_high_water")


def test_passing_a_mark_is_told_once_and_mailed_to_who_runs_canonry(api: Api, disk: MemoryDisk) -> None:
    context: Context = api.container
    with context.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET is_operator = (email = 'ada@example.com')")
        tx.connection.execute("UPDATE disk_state SET mark = 'fine'")
    for free in (50, 0, 0, 50):
        disk.free = free << 30
        rounds = DiskRounds(context)
        rounds.round()
        rounds.close()
    with context.transactions.begin() as tx:
        events = tx.connection.execute("SELECT after->>'mark' FROM events WHERE name = 'disk.mark_changed' ORDER BY id").fetchall()
        waiting = tx.connection.execute(
            "SELECT args->>'mark' FROM procrastinate_jobs WHERE task_name = 'notifications.note_disk' ORDER BY id"
        ).fetchall()
    assert [row[0] for row in events] == ["full", "fine"]
    assert [row[0] for row in waiting] == ["full", "fine"]
    letters.note_disk(context, organization_id="", mark="full")
    with context.transactions.begin() as tx:
        mails = [row[0] for row in tx.connection.execute("SELECT id FROM mails").fetchall()]
    for mail_id in mails:
        mailbox.send(context, mail_id=mail_id)
    sent: Any = context.ports.mail
    assert sent.sent[-1].to == "ada@example.com"
    assert "Builds have stopped" in sent.sent[-1].subject
