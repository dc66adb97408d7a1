"""Metrics over HTTP and what keeps them: counted once, added up, deleted when old."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from canonry.features.observe.metrics import collect, rollup, store
from canonry.features.observe.metrics.collect import Looker, count_requests
from canonry.features.observe.metrics.models import Sample, start_of
from canonry.features.observe.metrics.sampler import Sampler
from canonry.features.observe.metrics.service import parse_window
from tests.support.api import SITE, Api


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch, api: Api) -> None:
    """Count at every question: the tests ask faster than users."""
    monkeypatch.setattr("canonry.features.observe.metrics.service._FRESH", 0.0)
    api.edge.requests({})  # what other tests have asked is theirs
    while count_requests(api.container):
        pass
    with api.container.transactions.begin() as tx:
        store.set_rolled(tx, None, None)


def metrics(api: Api, slug: str, query: str = "") -> Any:  # noqa: ANN401 -- JSON
    return api.get(f"/v1/projects/{slug}/metrics{query}")


def visit(api: Api, slug: str, times: int, path: str = "/") -> None:
    for _ in range(times):
        api.edge.answer(f"{slug}.localhost", path)


@pytest.mark.contract("Canner", "GET /v1/projects/{slug}/metrics")
@pytest.mark.criterion("operating#ten-are-ten")
def test_after_ten_requests_the_count_is_ten_and_cpu_and_memory_are_numbers_with_times(api: Api) -> None:
    slug = api.app()
    (instance,) = api.instances(slug)
    api.runtime.machine.memory[f"{instance['id']}-0"] = 64 << 20
    visit(api, slug, 10)
    found = metrics(api, slug)
    assert found["total"]["requests"] == 10
    assert sum(sample["requests"] for sample in found["samples"]) == 10
    for sample in found["samples"]:
        assert datetime.fromisoformat(sample["at"]).tzinfo is not None
        assert isinstance(sample["cpu_pct"], float)
        assert sample["mem_bytes"] in {0, 64 << 20}
    assert max(sample["mem_bytes"] for sample in found["samples"]) == 64 << 20
    visit(api, slug, 5)
    assert metrics(api, slug)["total"]["requests"] == 15


@pytest.mark.contract("Cantila", "GET /v1/projects/:id/metrics")
def test_samples_are_oldest_first_with_shares_and_a_rate(api: Api) -> None:
    slug = api.app()
    with api.container.transactions.begin() as tx:
        project = api.get(f"/v1/projects/{slug}")["project"]["id"]
        number = store.series(tx, [(project, "production")])[project, "production"]
        now = datetime.now(UTC).replace(microsecond=0)
        start = now - timedelta(minutes=5, seconds=now.second % 10)
        store.put(tx, 10, [
            (number, Sample(start + timedelta(seconds=10 * step), looks=1, cpu_seconds=step, seconds=10, core_seconds=10,
                            memory=step << 20, memory_limit=10 << 20, instances=1, requests=20 * step))
            for step in (3, 1, 2)
        ])  # fmt: skip
    samples = metrics(api, api.get(f"/v1/projects/{slug}")["id"], "?window=10m")["samples"]
    assert [sample["at"] for sample in samples] == sorted(sample["at"] for sample in samples)
    written = [sample for sample in samples if sample["requests"]]
    assert [(sample["cpuPct"], sample["memPct"], sample["rps"]) for sample in written] == [(10, 10, 2), (20, 20, 4), (30, 30, 6)]


def test_each_class_of_status_is_counted_and_latency_has_quantiles(api: Api) -> None:
    slug = api.project()
    api.deploy(slug, SITE)
    visit(api, slug, 4)
    visit(api, slug, 3, "/nothing")
    api.ask("POST", f"/v1/projects/{slug}/stop")
    visit(api, slug, 2)
    total = metrics(api, slug)["total"]
    assert (total["requests"], total["status_2xx"], total["status_4xx"], total["status_5xx"]) == (9, 4, 3, 2)
    assert 0 < total["p50_ms"] <= total["p95_ms"] <= total["p99_ms"] < 10_000


def test_a_project_with_nothing_live_answers_an_empty_list(api: Api) -> None:
    found = metrics(api, api.project())
    assert (found["samples"], found["total"]["requests"], found["total"]["p50_ms"]) == ([], 0, None)


def test_one_project_does_not_see_the_requests_of_another(api: Api) -> None:
    one, other = api.app(), api.app()
    visit(api, one, 3)
    assert metrics(api, one)["total"]["requests"] == 3
    assert metrics(api, other)["total"]["requests"] == 0
    assert metrics(api, one, "?environment=preview/x")["samples"] == []
    for name in ("staging", "preview", "preview/", "%00"):
        answer = api.ask("GET", f"/v1/projects/{one}/metrics?environment={name}")
        assert (answer.status, answer.json["issues"][0]["path"]) == (400, "query.environment")


@pytest.mark.parametrize("window", ["", "1", "h", "0m", "5s", "31d", "-1h", "1w", "1h30m", "999999d", "\uff19m", "1h "])
def test_a_window_that_is_none_is_refused_by_name(api: Api, window: str) -> None:
    answer = api.ask("GET", f"/v1/projects/{api.project()}/metrics?window={quote(window)}")
    assert answer.error == (400, "invalid_window")
    assert answer.json["issues"][0]["path"] == "query.window"


@pytest.mark.parametrize(("window", "step"), [("1h", "7s"), ("24h", "10s"), ("30d", "60s"), ("1h", "x"), ("1h", "0s")])
def test_a_step_that_does_not_fit_is_refused_by_name(api: Api, window: str, step: str) -> None:
    answer = api.ask("GET", f"/v1/projects/{api.project()}/metrics?window={window}&step={step}")
    assert answer.error == (400, "invalid_step")
    assert answer.json["issues"][0]["path"] == "query.step"


@pytest.mark.parametrize(("window", "step"), [("10m", 10), ("1h", 10), ("24h", 300), ("7d", 1800), ("30d", 7200), ("10s", 10)])
def test_the_step_follows_the_window(window: str, step: int) -> None:
    assert parse_window(window).step == step


@pytest.mark.parametrize("window", ["10m", "1h", "2h", "24h", "2d", "7d", "30d"])
def test_every_window_counts_a_request_that_has_just_come_and_those_that_were_added_up(api: Api, window: str) -> None:
    slug = api.app()
    visit(api, slug, 7)
    assert metrics(api, slug, f"?window={window}")["total"]["requests"] == 7
    with api.container.transactions.begin() as tx:  # as if the seven had come before
        tx.connection.execute("UPDATE metric_samples SET at = at - interval '9 minutes'")
        store.set_rolled(tx, None, None)
    rollup.roll_up(api.container)
    visit(api, slug, 3)
    assert metrics(api, slug, f"?window={window}")["total"]["requests"] == 10


def test_adding_up_twice_changes_nothing_and_what_is_old_goes(api: Api) -> None:
    slug = api.app()
    visit(api, slug, 6)
    count_requests(api.container)
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE metric_samples SET at = at - interval '3 hours'")
    for _ in range(3):
        with api.container.transactions.begin() as tx:
            store.set_rolled(tx, None, None)
        rollup.roll_up(api.container)
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute("SELECT step, sum(requests)::int FROM metric_samples GROUP BY step ORDER BY step").fetchall()
    assert rows == [(60, 6), (600, 6)]  # the ten seconds are kept two hours
    assert metrics(api, slug, "?window=24h")["total"]["requests"] == 6


@pytest.mark.criterion("operating#metrics-small")
def test_thirty_days_of_a_project_are_eight_thousand_small_rows(api: Api) -> None:
    slug = api.app()
    visit(api, slug, 6)
    count_requests(api.container)
    end = start_of(datetime.now(UTC), 600)
    with api.container.transactions.begin() as tx:
        ((number, (sample, *_)),) = store.between(tx, 10, None, end + timedelta(days=1)).items()
        for step, days in ((10, 0.125), (60, 3), (600, 31)):
            times = (end - timedelta(seconds=step * count) for count in range(1, int(days * 86_400 / step)))
            store.put(tx, step, [(number, replace(sample, at=at)) for at in times])
        store.set_rolled(tx, None, None)
    rollup.roll_up(api.container)
    with api.container.transactions.begin() as tx:
        query = "SELECT step, count(*), max(pg_column_size(metric_samples.*)) FROM metric_samples GROUP BY step"
        rows = {step: (count, size) for step, count, size in tx.connection.execute(query).fetchall()}
    assert set(rows) == {10, 60, 600}
    assert sum(count for count, _ in rows.values()) <= 8000
    assert max(size for _, size in rows.values()) <= 500
    assert metrics(api, slug, "?window=30d")["total"]["requests"] > 0


def test_counting_at_the_same_time_counts_once(api: Api) -> None:
    slug = api.app()
    visit(api, slug, 50)
    threads = [threading.Thread(target=count_requests, args=(api.container,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metrics(api, slug)["total"]["requests"] == 50
    with api.container.transactions.begin() as tx:
        assert tx.connection.execute("SELECT sum(requests) FROM metric_series").fetchone() == (50,)


def test_a_failure_in_the_middle_counts_nothing_and_the_next_time_everything(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.app()
    visit(api, slug, 5)
    with monkeypatch.context() as patch:
        patch.setattr(collect.store, "set_counted", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            count_requests(api.container)
    assert metrics(api, slug)["total"]["requests"] == 5


def test_a_look_at_a_minute_that_is_added_up_goes_into_the_next_one(api: Api) -> None:
    slug = api.app()
    with api.container.transactions.begin() as tx:
        soon = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        store.set_rolled(tx, soon, None)
    Looker(api.container).look()
    with api.container.transactions.begin() as tx:
        assert tx.connection.execute("SELECT at FROM metric_samples").fetchall() == [(soon,)]
    assert metrics(api, slug)["samples"] != []


def test_a_new_deployment_has_figures_at_once_and_only_one_look_is_taken_for_them(api: Api) -> None:
    slug = api.app()
    for _ in range(3):
        found = metrics(api, slug)
    with api.container.transactions.begin() as tx:
        assert tx.connection.execute("SELECT sum(looks) FROM metric_samples").fetchone() == (1,)
    assert found["samples"][-1]["instances"] == 1


def test_the_sampler_does_all_of_it_and_a_deleted_project_leaves_nothing(api: Api) -> None:
    slug = api.app()
    visit(api, slug, 2)
    sampler = Sampler(api.container)
    sampler.sample()
    sampler.sample()
    sampler.close()
    assert metrics(api, slug)["total"]["requests"] == 2
    assert api.ask("DELETE", f"/v1/projects/{slug}").status in {200, 202, 204}
    with api.container.transactions.begin() as tx:
        assert tx.connection.execute("SELECT count(*) FROM metric_samples").fetchone() == (0,)
    sampler.sample()
