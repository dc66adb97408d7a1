"""Stopping, starting and deleting beside each other, and beside the watch: whoever comes second sees what the first has done, whole."""

import threading
from types import ModuleType

import pytest

from canonry.core.environments import preview_of
from canonry.features import projects, traffic
from canonry.features.deployments import Watch, closing
from canonry.features.deployments.fleet import leading
from canonry.features.deployments.fleet import store as fleet
from canonry.ports.edge import Page
from tests.support.api import SITE, Api
from tests.support.between import once_after, once_before
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


def _new_site(api: Api, slug: str) -> None:
    assert api.deploy(api.project(slug), SITE)["status"] == "live"


def test_a_name_that_a_deletion_sets_free_is_not_taken_from_who_has_it_by_then(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    _new_site(api, "notes")
    once_before(monkeypatch, traffic, "remove", lambda: _new_site(api, "notes"))
    assert api.ask("DELETE", "/v1/projects/notes").status == 204
    assert api.edge.answer("notes.localhost").status == 200


def test_nor_one_that_the_end_of_a_preview_sets_free(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    project_id, environment = str(api.get(f"/v1/projects/{api.project('shop')}")["id"]), preview_of("next")
    with api.container.transactions.begin() as tx:
        projects.claim_label(tx, project_id, environment, ["shop-next"])
        traffic.claim(tx, "shop-next.localhost", project_id, environment)
    once_before(monkeypatch, traffic, "remove", lambda: _new_site(api, "shop-next"))
    with closing(api.container, project_id, environment):
        pass
    assert api.edge.answer("shop-next.localhost").status == 200


def test_a_leftover_that_somebody_claims_while_the_watch_looks_for_the_first_time_is_theirs(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.edge.show_page("late.localhost", Page.DEAD)
    once_after(monkeypatch, traffic, "all_hosts", lambda: _new_site(api, "late"))
    watch = Watch(api.container)
    watch.round()
    watch.close()
    assert api.edge.answer("late.localhost").status == 200
