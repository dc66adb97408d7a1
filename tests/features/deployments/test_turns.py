"""Stopping, starting and deleting beside each other, and beside the watch: whoever comes second sees what the first has done, whole."""

import threading
from types import ModuleType

import pytest

from canonry.features.deployments import Watch
from canonry.features.deployments.fleet import leading
from canonry.features.deployments.fleet import store as fleet
from tests.support.api import Api
from tests.support.waiting import until

_MOMENT = 0.5  # seconds in which what need not wait would be done


def _before(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, work: threading.Thread) -> None:
    """Let `work` begin just before the next call of a function, and give it a moment."""
    function = getattr(module, name)

    def with_company(*arguments: object) -> object:
        monkeypatch.undo()
        work.start()
        work.join(_MOMENT)
        return function(*arguments)

    monkeypatch.setattr(module, name, with_company)


def test_a_start_beside_a_stop_leaves_a_project_that_runs(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.app()
    start = threading.Thread(target=lambda: api.ask("POST", f"/v1/projects/{slug}/start"))
    _before(monkeypatch, fleet, "drain_project", start)
    api.ask("POST", f"/v1/projects/{slug}/stop")
    start.join()
    assert api.get(f"/v1/projects/{slug}")["status"] == "running"
    watch = Watch(api.container)

    def serves() -> bool:
        watch.round()
        return api.edge.answer(f"{slug}.localhost").status == 200

    until(serves)
    watch.close()
    assert any(row["status"] != "draining" for row in api.instances(slug))


def test_a_project_that_is_deleted_while_the_watch_leads_it_leaves_no_host(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.app()
    delete = threading.Thread(target=lambda: api.ask("DELETE", f"/v1/projects/{slug}"))
    watch = Watch(api.container)
    watch.round()  # the first, in which it takes away what nobody owns
    watch._led.clear()
    _before(monkeypatch, leading, "lead", delete)
    watch.round()
    delete.join()
    watch.close()
    assert f"{slug}.localhost" not in api.edge.hosts()
