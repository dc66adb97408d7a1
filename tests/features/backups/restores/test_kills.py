"""`kill -9` at every step of a restore and of a promote: whoever comes next finishes it, and nothing is lost."""

import itertools
from pathlib import Path

import pytest

from canonry.features.backups.restores import jobs
from tests.support.api import Api
from tests.support.databases import ask
from tests.support.killed_job import run_killed
from tests.support.restores import ask_for, look, moment, restored, with_backup

_EXCHANGE = "canonry.features.backups.restores.exchange"
_CLUSTERS = "canonry.adapters.clusters.process.clusters"


@pytest.mark.slow
@pytest.mark.parametrize("at", [
    "canonry.infra.backup.restoring:_combined:return", f"{_CLUSTERS}:ProcessClusters.adopt:return",
    "canonry.features.databases.exchange:ready:return",
])  # fmt: skip
def test_a_restore_that_is_killed_is_finished_by_the_next_process(api: Api, tmp_path: Path, at: str) -> None:
    shop = api.project("shop")
    url = with_backup(api, shop)
    before = moment()
    ask(url, "DELETE FROM notes")
    restore = ask_for(api, shop, before)
    names = {"project_id": restore["project_id"], "restore_id": restore["id"]}
    run_killed(api.container, "restores.prepare", at, tmp_path, **names)
    assert look(api, shop, restore)["state"] == "preparing"
    assert ask(url, "SELECT count(*) FROM notes") == [(0,)]
    jobs.prepare(api.container, **names)
    found = look(api, shop, restore)
    assert (found["state"], [item["restored"] for item in found["difference"]["tables"]]) == ("ready", [2])
    assert len(api.get(f"/v1/projects/{shop}/databases")["databases"]) == 2
    assert list(api.container.home.databases.glob(".restore-*")) == []


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_promote_and_an_undo_that_are_killed_at_any_step_are_finished_by_the_next_process(api: Api, tmp_path: Path) -> None:
    shop = api.project("shop")
    url = with_backup(api, shop)
    restore = restored(api, shop, moment())
    ask(url, "DELETE FROM notes")
    names = {"project_id": restore["project_id"], "restore_id": restore["id"]}
    places = (
        f"{_EXCHANGE}:_pair:return", f"{_EXCHANGE}:_swap:start", f"{_EXCHANGE}:_swap:return", f"{_EXCHANGE}:_step:return",
        f"{_CLUSTERS}:ProcessClusters.stop:start", f"{_CLUSTERS}:ProcessClusters.stop:return",
        "canonry.adapters.clusters.process.server:Server.start:return", f"{_EXCHANGE}:_exchange:return", f"{_EXCHANGE}:_done:start",
    )  # fmt: skip
    turns = itertools.cycle((("promote", "promoted", 2), ("undo", "ready", 0)))
    for at, (verb, end, rows) in zip(places, turns, strict=False):
        assert api.ask("POST", f"/v1/projects/{shop}/database/restores/{restore['id']}/{verb}").status == 202
        run_killed(api.container, "restores.exchange", at, tmp_path, **names)
        jobs.exchange_databases(api.container, **names)
        found = look(api, shop, restore)
        assert (found["state"], found["error"]) == (end, None), at
        assert ask(url, "SELECT count(*) FROM notes") == [(rows,)], at
