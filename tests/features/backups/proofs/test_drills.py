"""Drills: a real backup is restored into a throwaway cluster, checked, and the proof is signed."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from canonry.core.clock import now
from canonry.core.signatures import is_signed
from canonry.features.backups.archiving import jobs as archiving
from canonry.features.backups.proofs import drill, rounds, service
from canonry.infra.backup import key
from canonry.infra.backup.base import BaseBackup
from canonry.ports.objects import Objects
from canonry.wiring.jobs import tasks
from tests.support.api import SITE, Api
from tests.support.databases import made, row_of
from tests.support.killed_job import run_killed
from tests.support.mail import waiting
from tests.support.restores import back_up, with_backup


def proven(api: Api, slug: str) -> dict[str, object]:
    """Have the newest backup of a project proven, and return the proof."""
    answer = api.ask("POST", f"/v1/projects/{slug}/database/drill")
    assert answer.status == 202, answer.body
    drill.run(api.container, answer.json["proof"]["id"])
    return dict(api.get(f"/v1/projects/{slug}/database/proofs/{answer.json['proof']['id']}")["proof"])


def checks(proof: dict[str, object]) -> dict[str, tuple[bool, str]]:
    return {item["name"]: (item["ok"], item["detail"]) for item in json.loads(str(proof["document"]))["checks"]}


def flip(objects: Objects, name: str) -> None:
    """Change one bit in the middle of an object."""
    data = bytearray(b"".join(objects.get(name)))
    data[len(data) // 2] ^= 1
    objects.put(name, [bytes(data)])


@pytest.fixture
def shop(api: Api) -> str:
    return api.project("shop")


def test_a_good_backup_passes_every_check_and_nothing_of_the_drill_is_left(api: Api, shop: str) -> None:
    with_backup(api, shop)
    proof = proven(api, shop)
    assert proof["result"] == "passed", proof["document"]
    assert checks(proof).keys() == {"restore", "rows", "structure", "checksums"}
    assert checks(proof)["rows"] == (True, "2 rows in 1 tables")
    assert [row["role"] for row in api.get(f"/v1/projects/{shop}/databases")["databases"]] == ["live"]
    assert list(api.container.home.databases.glob(".drill-*")) == []
    listed = api.get(f"/v1/projects/{shop}/database/proofs")
    assert [row["id"] for row in listed["proofs"]] == [proof["id"]]
    assert is_signed(listed["public_key"], str(proof["document"]), str(proof["signature"]))
    assert not is_signed(listed["public_key"], str(proof["document"]).replace("passed", "failed"), str(proof["signature"]))


def test_one_flipped_bit_in_the_archive_is_found_and_the_owner_hears_of_it(api: Api, shop: str) -> None:
    with_backup(api, shop)
    backup = back_up(api, shop)
    flip(api.container.ports.objects, f"{backup.folder}/data")
    proof = proven(api, shop)
    assert (proof["result"], proof["backup_id"]) == ("failed", backup.id)
    ok, detail = checks(proof)["restore"]
    assert not ok
    assert detail.startswith("backup_damaged")
    with api.container.transactions.begin() as tx:
        query = "SELECT args FROM procrastinate_jobs WHERE task_name = 'notifications.note_proof'"
        ((arguments,),) = tx.connection.execute(query).fetchall()
    tasks(api.container)["notifications.note_proof"](**arguments)
    (mail,) = waiting(api.container)
    assert (mail.to, mail.subject) == ("ada@example.com", "Backups not proven: shop")
    assert "backup_damaged" in mail.text


def test_another_key_proves_nothing(api: Api, shop: str) -> None:
    with_backup(api, shop)
    path = api.container.home.backups_key
    kept = path.read_text()
    path.write_text(key.new_key().text.reveal() + "\n")
    try:
        proof = proven(api, shop)
    finally:
        path.write_text(kept)
    assert proof["result"] == "failed"
    assert "backup_wrong_key" in checks(proof)["backup"][1]


def test_rows_that_are_not_what_the_manifest_says_fail(api: Api, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_backup(api, shop)
    newest = drill._newest

    def of_another_time(*arguments: object) -> BaseBackup:
        found = newest(*arguments)  # type: ignore[arg-type]  # passed on as they come
        assert found is not None
        for tables in found.point.counts.values():
            tables.update(dict.fromkeys(tables, 3))  # type: ignore[attr-defined]  # it is a dictionary
        return found

    monkeypatch.setattr(drill, "_newest", of_another_time)
    proof = proven(api, shop)
    assert checks(proof)["rows"] == (False, "app: public.notes has 2 rows, not 3")
    assert proof["result"] == "failed"


@pytest.mark.parametrize(("question", "detail"), [
    ("select count(*) = 2 from notes", "true"), ("select count(*) > 5 from notes", "gives False"), ("select 1 from nowhere", "nowhere"),
    ("drop table notes", "syntax error"), ("select nextval('notes_id_seq') > 0", "read-only"),
    ("select pg_read_file('PG_VERSION')", "permission denied"),
    ("select true from generate_series(1, 100000) a, generate_series(1, 100000) b", "several rows"), ("select true where false", "no row"),
])  # fmt: skip
def test_the_project_s_own_question_is_asked_as_the_app_and_writes_nothing(api: Api, shop: str, question: str, detail: str) -> None:
    api.deploy(shop, SITE)
    with api.container.transactions.begin() as tx:  # as canonry.toml would have it
        tx.connection.execute("UPDATE releases SET plan = plan || jsonb_build_object('database_assert', %s::text)", (question,))
    with_backup(api, shop)
    proof = proven(api, shop)
    assert detail in checks(proof)["assertion"][1]
    assert (proof["result"] == "passed") is (detail == "true")


def test_a_backup_is_unproven_until_it_was_restored(api: Api, shop: str) -> None:
    made(api, shop)
    at = f"/v1/projects/{shop}/database/backups"
    database = row_of(api, shop)
    assert api.ask("POST", at, {"kind": "other"}).error == (400, "validation_failed")
    asked = api.ask("POST", at, {"kind": "full"})
    assert asked.status == 202
    archiving.make(api.container, database.id, "full", asked.json["id"])
    assert [row["id"] for row in api.get(at)["backups"]] == [asked.json["id"]]
    archiving.make(api.container, database.id, "dump")
    assert [(row["kind"], row["state"], row["proof"]) for row in api.get(at)["backups"]] == [
        ("dump", "done", "unproven"), ("full", "done", "unproven")
    ]  # fmt: skip
    assert proven(api, shop)["result"] == "passed"
    assert [row["proof"] for row in api.get(at)["backups"]] == ["unproven", "passed"]


def test_without_a_backup_there_is_a_proof_that_says_so(api: Api, shop: str) -> None:
    made(api, shop)
    proof = proven(api, shop)
    assert (proof["result"], checks(proof)) == ("failed", {"backup": (False, "there is no backup of this database yet")})


@pytest.mark.slow
@pytest.mark.parametrize("at", [
    "canonry.infra.backup.restoring:restore:return", "canonry.adapters.clusters.process.clusters:ProcessClusters.start:return",
    "canonry.features.backups.proofs.drill:_record:start",
])  # fmt: skip
def test_a_drill_that_is_killed_is_done_again_and_leaves_nothing(api: Api, shop: str, tmp_path: Path, at: str) -> None:
    with_backup(api, shop)
    proof_id = api.ask("POST", f"/v1/projects/{shop}/database/drill").json["proof"]["id"]
    run_killed(api.container, "proofs.drill", at, tmp_path, proof_id=proof_id)
    drill.run(api.container, proof_id)
    assert api.get(f"/v1/projects/{shop}/database/proofs/{proof_id}")["proof"]["result"] == "passed"
    assert [row["role"] for row in api.get(f"/v1/projects/{shop}/databases")["databases"]] == ["live"]
    assert list(api.container.home.databases.glob(".drill-*")) == []


def test_a_second_drill_of_a_database_waits_with_the_first(api: Api, shop: str) -> None:
    made(api, shop)
    first, second = (api.ask("POST", f"/v1/projects/{shop}/database/drill").json["proof"]["id"] for _ in range(2))
    assert first == second


def test_each_night_every_database_is_drilled_once_and_what_has_no_fresh_proof_raises_an_alarm(api: Api, shop: str) -> None:
    made(api, shop)
    for _ in range(2):
        rounds.ProofRounds(api.container).round()
    assert api.get(f"/v1/projects/{shop}/database/proofs")["proofs"] == []  # it is younger than the night
    assert service.alarms(api.container) == []
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE databases SET created_at = %s", (now() - timedelta(hours=37),))
    for _ in range(2):
        rounds.ProofRounds(api.container).round()
    assert len(api.get(f"/v1/projects/{shop}/database/proofs")["proofs"]) == 1
    assert [row["name"] for row in api.get("/v1/activity?name=backup.proof_overdue")["events"]] == ["backup.proof_overdue"]
    (alarm,) = service.alarms(api.container)
    assert (alarm.name, "shop" in alarm.message, "37 hours" in alarm.message) == ("backup_unproven", True, True)
    ready = api.ask("GET", "/readyz?deep=1")
    assert (ready.status, "backup_unproven" in ready.json["alarms"]) == (503, True)
