"""The watch over memory adapters: whatever happens to the instances, what shall run runs again and the edge follows."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from canonry.adapters.edge.memory import MemoryEdge
from canonry.features import traffic
from canonry.features.deployments import Watch, store, switch
from canonry.features.deployments.fleet import launch, revival
from canonry.features.deployments.fleet import store as fleet
from canonry.features.deployments.models import Release
from canonry.infra.tx import Tx
from canonry.ports.edge import Page
from canonry.ports.runtime import InstanceState
from canonry.wiring.container import Container
from tests.support.api import APP, SITE, Api, serving
from tests.support.between import once_before
from tests.support.edge import Apps
from tests.support.waiting import until

type Rounds = Callable[[Callable[[], bool]], None]


@pytest.fixture
def watch(api: Api) -> Iterator[Watch]:
    made = Watch(api.container)
    yield made
    made.close()
    _wait_for_background(made)


@pytest.fixture
def rounds(watch: Watch) -> Rounds:
    """Give what does rounds until something is so."""
    return lambda condition: until(lambda: _round(watch) and condition(), timeout=60)


def _round(watch: Watch) -> bool:
    watch.round()
    return True


def _wait_for_background(watch: Watch) -> None:
    until(lambda: all(future.done() for future in watch._busy.values()))


def _settle(watch: Watch) -> None:
    """Do a round and wait for what it began."""
    for _ in range(2):
        watch.round()
        _wait_for_background(watch)


def set_times(api: Api, **columns: str) -> None:
    """Set columns of every instance to SQL expressions."""
    with api.container.transactions.begin() as tx:
        for name, value in columns.items():
            tx.connection.execute(f"UPDATE instances SET {name} = {value}".encode())  # noqa: S608 -- our own words


def execute(api: Api, query: str, *values: object) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute(query.encode(), values)


def crash(api: Api, row: dict[str, Any], code: int = 1) -> None:
    api.runtime.crash(f"{row['id']}-{row['restarts']}", code)


def test_a_dead_instance_starts_again_and_the_edge_follows(api: Api, rounds: Rounds) -> None:
    slug = api.app()
    (before,) = api.instances(slug)
    old = api.edge.addresses(f"{slug}.localhost")
    crash(api, before, 3)
    rounds(lambda: [row["restarts"] for row in api.instances(slug)] == [1] and api.instances(slug)[0]["status"] == "healthy")
    rounds(lambda: api.edge.addresses(f"{slug}.localhost") not in ([], old))
    assert api.instances(slug)[0]["id"] == before["id"]
    assert len(api.runtime.states()) == 1


def test_one_that_keeps_crashing_waits_longer_each_time_and_is_shown_as_a_loop(api: Api, watch: Watch, rounds: Rounds) -> None:
    slug = api.app()
    waits = []
    for number in range(1, 7):
        (row,) = api.instances(slug)
        assert row["status"] == "healthy"
        crash(api, row, 7)
        if number == 1:  # the first time it starts again at once
            rounds(lambda: api.instances(slug)[0]["restarts"] == 1 and api.instances(slug)[0]["status"] == "healthy")
            continue
        watch.round()
        (row,) = api.instances(slug)
        with api.container.transactions.begin() as tx:
            found = tx.connection.execute("SELECT extract(epoch FROM next_start_at - now())::float FROM instances").fetchone()
        assert found is not None
        waits.append(round(found[0]))
        assert row["status"] == ("crash_loop" if number >= 5 else "crashed")
        assert "7" in row["reason"]
        rounds(lambda: api.edge.answer(f"{slug}.localhost").status == 502)
        assert api.get(f"/v1/projects/{slug}")["status"] == "crashed"
        set_times(api, next_start_at="now() - interval '1 second'")
        rounds(lambda: api.instances(slug)[0]["status"] == "healthy" and api.edge.answer(f"{slug}.localhost").status == 200)
        assert api.get(f"/v1/projects/{slug}")["status"] == "running"
    assert waits == [1, 2, 4, 8, 16]


def test_one_that_ran_long_is_in_no_loop_when_it_ends(api: Api, rounds: Rounds) -> None:
    slug = api.app()
    set_times(api, failures="9", started_at="now() - interval '2 minutes'")
    crash(api, api.instances(slug)[0])
    rounds(lambda: [row["status"] for row in api.instances(slug)] == ["healthy"] and api.instances(slug)[0]["restarts"] == 1)


def test_it_does_not_start_before_its_pause_is_over(api: Api, watch: Watch) -> None:
    slug = api.app()
    set_times(api, failures="3")
    crash(api, api.instances(slug)[0])
    _settle(watch)
    _settle(watch)
    assert [(row["status"], row["restarts"]) for row in api.instances(slug)] == [("crashed", 0)]


def test_drained_instances_end_when_their_time_is_over_and_not_before(api: Api, watch: Watch, rounds: Rounds) -> None:
    slug = api.app()
    (old,) = api.instances(slug)
    api.deploy(slug, {**APP, "version": "2"})
    set_times(api, stop_after="CASE WHEN status = 'draining' THEN now() + interval '1 minute' END")
    _settle(watch)
    assert {row["id"]: row["status"] for row in api.instances(slug)}[old["id"]] == "draining"
    state = api.runtime.state(f"{old['id']}-0")
    assert state is not None
    assert state.running
    set_times(api, stop_after="CASE WHEN status = 'draining' THEN now() END")
    rounds(lambda: [row["status"] for row in api.instances(slug)] == ["healthy"])
    assert api.runtime.state(f"{old['id']}-0") is None


def test_what_nobody_asks_for_is_ended(api: Api, rounds: Rounds) -> None:
    slug, other = api.app(), api.app()
    api.ask("DELETE", f"/v1/projects/{slug}")
    (kept,) = api.instances(other)
    rounds(lambda: [state.id for state in api.runtime.states()] == [f"{kept['id']}-0"])


def test_the_instances_of_a_deployment_that_is_no_longer_under_way_are_ended(api: Api, rounds: Rounds) -> None:
    """A deployment that was killed between start and switch, and then given up, left a healthy instance of a release nobody wants."""
    slug = api.app()
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE deployments SET status = 'failed', finished_at = now()")
    rounds(lambda: api.instances(slug) == [] and api.runtime.states() == [])


def test_after_a_reboot_everything_starts_again(api: Api, watch: Watch, rounds: Rounds) -> None:
    slugs = [api.app(), api.app()]
    for state in api.runtime.states():
        api.runtime.stop(state.id, 0)
        api.runtime.forget(state.id)
    watch.round()
    for slug in slugs:
        rounds(lambda slug=slug: [row["status"] for row in api.instances(slug)] == ["healthy"])  # type: ignore[misc]
        rounds(lambda slug=slug: api.edge.answer(f"{slug}.localhost").status == 200)  # type: ignore[misc]


def test_scaling_up_and_down_is_followed(api: Api, rounds: Rounds) -> None:
    slug = api.app()
    for count in (3, 2, 1, 4):
        api.ask("POST", f"/v1/projects/{slug}/scale", {"instances": count})
        rounds(lambda count=count: [row["status"] for row in api.instances(slug)] == ["healthy"] * count)  # type: ignore[misc]
        rounds(lambda count=count: len(api.edge.addresses(f"{slug}.localhost")) == count)  # type: ignore[misc]
    assert len(api.runtime.states()) == 4


def test_a_change_of_size_starts_the_new_ones_and_then_ends_the_old(api: Api, rounds: Rounds) -> None:
    slug = api.app()
    (old,) = api.instances(slug)
    api.ask("POST", f"/v1/projects/{slug}/scale", {"memory_mb": 128})
    rounds(lambda: [(row["status"], row["memory_mb"]) for row in api.instances(slug)] == [("healthy", 128)])
    rounds(lambda: len(api.runtime.states()) == 1)
    assert api.instances(slug)[0]["id"] != old["id"]


def test_what_a_change_of_size_replaces_serves_until_the_new_is_healthy(api: Api, watch: Watch, rounds: Rounds) -> None:
    """However long that takes: a new size that is too small for the app must not take the site down."""
    slug = api.app()
    (old,) = api.instances(slug)
    api.ask("POST", f"/v1/projects/{slug}/scale", {"memory_mb": 32})
    (new,) = [row for row in api.instances(slug) if row["id"] != old["id"]]
    set_times(api, status="CASE WHEN status = 'draining' THEN status ELSE 'crashed' END", next_start_at="now() + interval '1 hour'",
              stop_after="CASE WHEN status = 'draining' THEN now() - interval '1 minute' END")  # fmt: skip
    for _ in range(3):
        _settle(watch)
    assert api.edge.answer(f"{slug}.localhost").status == 200
    set_times(api, next_start_at="now()")
    rounds(lambda: [(row["id"], row["status"]) for row in api.instances(slug)] == [(new["id"], "healthy")])
    rounds(lambda: [state.id for state in api.runtime.states()] == [f"{new['id']}-1"])
    assert api.edge.answer(f"{slug}.localhost").status == 200


def test_a_new_watch_tells_the_edge_everything_and_takes_away_what_nobody_owns(api: Api, rounds: Rounds) -> None:
    app, site, stopped = api.app(), api.project(), api.app()
    api.deploy(site, SITE)
    api.ask("POST", f"/v1/projects/{stopped}/stop")
    for slug in (app, site, stopped):
        api.edge.remove(f"{slug}.localhost")
    api.edge.show_page("left-over.localhost", Page.DEAD)
    rounds(lambda: api.edge.answer(f"{app}.localhost").status == 200)
    assert api.edge.answer(f"{site}.localhost").body == b"<p>hello</p>"
    assert api.edge.answer(f"{stopped}.localhost").status == 503
    assert "left-over.localhost" not in api.edge.hosts()


def test_a_stopped_project_stays_stopped(api: Api, watch: Watch, rounds: Rounds) -> None:
    slug = api.app()
    api.ask("POST", f"/v1/projects/{slug}/stop")
    rounds(lambda: api.instances(slug) == [] and api.runtime.states() == [])
    _settle(watch)
    assert api.runtime.states() == []
    assert (api.get(f"/v1/projects/{slug}")["status"], api.edge.answer(f"{slug}.localhost").status) == ("stopped", 503)
    api.ask("POST", f"/v1/projects/{slug}/start")
    rounds(lambda: api.edge.answer(f"{slug}.localhost").status == 200)


def test_one_that_answers_no_more_although_it_lives_is_started_again(container: Container, apps: Apps) -> None:
    with serving(container) as api:
        slug = api.app()
        (before,) = api.instances(slug)
        watch = Watch(api.container)
        port = int(api.edge.addresses(f"{slug}.localhost")[0].rpartition(":")[2])
        next(app for app in apps._started if app.address == f"127.0.0.1:{port}").stop()
        for _ in range(8):
            watch._next_check.clear()  # ten seconds pass
            _settle(watch)
        (after,) = api.instances(slug)
        watch.close()
    assert (after["status"], after["restarts"], after["id"]) == ("healthy", 1, before["id"])


class CountingEdge(MemoryEdge):
    """An edge that counts what it is told."""

    told = 0

    def point(self, host: str, addresses: Sequence[str]) -> None:
        """Count it."""
        self.told += 1
        super().point(host, addresses)


def test_what_nothing_happens_to_is_not_told_to_the_edge_again(container: Container) -> None:
    edge = CountingEdge()
    with serving(container, edge=edge) as api:
        api.app()
        watch = Watch(api.container)
        _settle(watch)
        before = edge.told
        for _ in range(3):
            _settle(watch)
        watch.close()
    assert edge.told == before


def test_nor_are_several_in_whatever_order_the_database_gives_them(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    edge = CountingEdge()
    with serving(container, edge=edge) as api:
        slug = api.app()
        api.ask("POST", f"/v1/projects/{slug}/scale", {"instances": 3})
        watch = Watch(api.container)
        until(lambda: _round(watch) and len(edge.addresses(f"{slug}.localhost")) == 3)
        _settle(watch)
        before, everything = edge.told, fleet.everything
        for order in (1, -1):
            monkeypatch.setattr(fleet, "everything", lambda tx, order=order: sorted(everything(tx), key=lambda row: order * row.index))
            _settle(watch)
        watch.close()
    assert edge.told == before


def test_a_site_is_served_again_although_who_started_it_was_killed_on_the_way(
    api: Api, watch: Watch, rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = api.project()
    api.deploy(slug, SITE)
    _settle(watch)
    api.ask("POST", f"/v1/projects/{slug}/stop")
    _settle(watch)
    monkeypatch.setattr(revival, "serve_sites", lambda *_: None)
    api.ask("POST", f"/v1/projects/{slug}/start")
    assert api.edge.answer(f"{slug}.localhost").status == 503
    rounds(lambda: api.edge.answer(f"{slug}.localhost").status == 200)


def test_what_went_live_while_it_looked_goes_on(api: Api, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a whole deployment fits between the look at the processes and the look at the rows."""
    slug = api.app()
    _settle(watch)
    look = api.runtime.states

    def slow_look() -> list[InstanceState]:
        seen = look()
        monkeypatch.undo()
        api.deploy(slug, {**APP, "version": "2"})
        return seen

    monkeypatch.setattr(api.runtime, "states", slow_look)
    watch.round()
    (new,) = [row for row in api.instances(slug) if row["status"] != "draining"]
    assert (new["status"], new["restarts"]) == ("healthy", 0)
    _settle(watch)
    assert api.edge.answer(f"{slug}.localhost").status == 200
    assert f"{new['id']}-0" in {state.id for state in look() if state.running}


def test_what_went_live_between_two_of_its_questions_goes_on(api: Api, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.app()
    _settle(watch)
    is_ready, may_go = threading.Event(), threading.Event()
    go_live, live_releases = switch.go_live, store.live_releases

    def slow_look(tx: Tx) -> list[Release]:
        seen = live_releases(tx)
        may_go.set()
        deploying.join()
        return seen

    monkeypatch.setattr(switch, "go_live", lambda *arguments: (is_ready.set(), may_go.wait(60), go_live(*arguments)))
    deploying = threading.Thread(target=lambda: api.deploy(slug, {**APP, "version": "2"}))
    deploying.start()
    assert is_ready.wait(60)
    monkeypatch.setattr(store, "live_releases", slow_look)
    watch.round()
    monkeypatch.undo()
    _wait_for_background(watch)
    assert [row["status"] for row in api.instances(slug)].count("healthy") == 1
    _settle(watch)
    assert api.edge.answer(f"{slug}.localhost").status == 200


def _rolled_back_with_a_leftover(api: Api) -> tuple[str, str]:
    """Return an app, and a rollback that waits, to a release of which an instance was left over when it was replaced."""
    slug = api.app()
    (first,), (row,) = api.deployments(slug), api.instances(slug)
    api.deploy(slug, {**APP, "version": "2"})
    execute(api, "UPDATE instances SET status = 'starting', stop_after = NULL, address = NULL WHERE id = %s", row["id"])
    answer = api.ask("POST", f"/v1/deployments/{first['id']}/rollback")
    assert answer.status == 201, answer.body
    return slug, str(answer.json["deployment"]["id"])


def test_what_a_rollback_starts_again_is_not_ended_as_a_leftover(api: Api, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    slug, rollback = _rolled_back_with_a_leftover(api)
    once_before(monkeypatch, launch, "wait_until_healthy", lambda: _settle(watch))
    api.work(slug)
    assert api.deployment(rollback)["status"] == "live"
    assert [row["status"] for row in api.instances(slug) if row["status"] != "draining"] == ["healthy"]


def test_nor_when_it_goes_live_after_the_watch_has_looked(api: Api, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    slug, rollback = _rolled_back_with_a_leftover(api)
    execute(api, "UPDATE deployments SET status = 'cancelled' WHERE id = %s", rollback)  # so the watch sees a leftover

    def roll_back() -> None:
        execute(api, "UPDATE deployments SET status = 'queued' WHERE id = %s", rollback)
        api.work(slug)

    once_before(monkeypatch, Watch, "_end", roll_back)
    watch.round()
    assert [row["status"] for row in api.instances(slug)].count("healthy") == 1
    _settle(watch)
    assert api.edge.answer(f"{slug}.localhost").status == 200


def test_what_is_live_and_has_no_instance_gets_one(api: Api, rounds: Rounds) -> None:
    slug = api.app()
    rounds(lambda: api.edge.answer(f"{slug}.localhost").status == 200)
    execute(api, "DELETE FROM instances")
    rounds(lambda: [row["status"] for row in api.instances(slug)] == ["healthy"])
    rounds(lambda: api.edge.answer(f"{slug}.localhost").status == 200)
    rounds(lambda: len(api.runtime.states()) == 1)


def test_what_was_stopped_since_it_looked_gets_none(api: Api, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.app()
    _settle(watch)
    execute(api, "DELETE FROM instances")
    once_before(monkeypatch, Watch, "_add_missing", lambda: api.ask("POST", f"/v1/projects/{slug}/stop"))
    _settle(watch)
    assert (api.instances(slug), api.get(f"/v1/projects/{slug}")["status"]) == ([], "stopped")


def test_a_site_that_went_live_while_it_looked_for_the_first_time_stays(api: Api, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    slugs: list[str] = []
    owned = traffic.all_hosts

    def slow_look(tx: Tx) -> list[str]:
        hosts = owned(tx)
        if not slugs:
            slugs.append(api.project())
            api.deploy(slugs[0], SITE)
        return hosts

    monkeypatch.setattr(traffic, "all_hosts", slow_look)
    watch.round()
    assert api.edge.answer(f"{slugs[0]}.localhost").status == 200


def test_what_was_scaled_away_while_it_looked_is_not_brought_back(api: Api, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.app()
    api.ask("POST", f"/v1/projects/{slug}/scale", {"instances": 2})
    until(lambda: _round(watch) and [row["status"] for row in api.instances(slug)] == ["healthy"] * 2)
    _wait_for_background(watch)
    second = api.instances(slug)[1]
    crash(api, second)
    look = api.runtime.state

    def slow_look(instance_id: str) -> InstanceState | None:
        seen = look(instance_id)
        monkeypatch.undo()
        api.ask("POST", f"/v1/projects/{slug}/scale", {"instances": 1})
        return seen

    monkeypatch.setattr(api.runtime, "state", slow_look)
    watch.round()
    assert {row["id"]: row["status"] for row in api.instances(slug)}[second["id"]] == "draining"
    _wait_for_background(watch)
    assert [(row["index"], row["restarts"]) for row in api.instances(slug) if row["status"] != "draining"] == [(0, 0)]
