"""`GET /metrics`: who may read it, and what it tells."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from canonry.core.access import Scope
from canonry.core.errors import Invalid, Unavailable
from canonry.core.secret import Secret
from canonry.core.settings import read_settings
from canonry.wiring.container import Container
from tests.features.observe.prometheus.test_text import parsed
from tests.support.api import SITE, Api, serving

_TOKEN = "a-token-for-prometheus"


@pytest.fixture
def watched(container: Container) -> Iterator[Api]:
    with serving(replace(container, settings=replace(container.settings, metrics_token=Secret(_TOKEN)))) as api:
        yield api


def readings(api: Api, name: str) -> dict[tuple[str, ...], float]:
    """Return label values → value of one metric."""
    answer = api.ask("GET", "/metrics", token=_TOKEN)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return {tuple(labels.values()): value for found, labels, value in parsed(answer.body.decode()) if found == name}


def test_it_tells_what_there_is(watched: Api) -> None:
    slug = watched.project()
    watched.deploy(slug, SITE)
    watched.upload(slug, SITE)
    app = watched.app()
    for _ in range(3):
        watched.edge.answer(f"{slug}.localhost", "/nothing")
    watched.edge.answer(f"{slug}.localhost")
    assert readings(watched, "canonry_deployments")["live",] == 2
    assert readings(watched, "canonry_deployments")["queued",] == 1
    assert readings(watched, "canonry_instances")["healthy",] == len(watched.instances(app)) == 1
    assert readings(watched, "canonry_deployment_duration_seconds_count")[()] == 2
    assert readings(watched, "canonry_deployment_duration_seconds_bucket")["+Inf",] == 2
    assert readings(watched, "canonry_jobs")["todo",] >= 1
    requests = readings(watched, "canonry_project_requests_total")
    assert (requests[slug, "production", "4xx"], requests[slug, "production", "2xx"], requests[slug, "production", "5xx"]) == (3, 1, 0)
    assert readings(watched, "canonry_edge_up") == readings(watched, "canonry_database_up") == {(): 1}
    assert 10e6 < readings(watched, "process_resident_memory_bytes")[()] < 10e9


def test_only_who_may_run_the_platform_or_has_the_token_may_read_it(watched: Api) -> None:
    assert watched.ask("GET", "/metrics", token=None).error == (401, "unauthenticated")
    assert watched.ask("GET", "/metrics", token="cnr_" + "0" * 48).error == (401, "invalid_token")
    assert watched.ask("GET", "/metrics", token=_TOKEN + "x").status == 401
    assert watched.ask("GET", "/metrics", token=watched.owner.tokens[Scope.READ]).error == (403, "insufficient_scope")
    assert watched.ask("GET", "/v1/metrics", token=_TOKEN).status == 404
    assert watched.ask("GET", f"/metrics?token={_TOKEN}", token=None).status == 401


def test_without_a_token_in_the_settings_an_empty_one_opens_nothing(api: Api) -> None:
    assert api.ask("GET", "/metrics", token=None, headers={"Authorization": "Bearer "}).status == 401
    assert api.ask("GET", "/metrics", token=None, headers={"Authorization": "Bearer None"}).status == 401


def test_without_a_database_it_says_so(watched: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise Unavailable("database_unavailable", "It is away.")

    monkeypatch.setattr(watched.container.transactions, "begin", away)
    assert readings(watched, "canonry_database_up") == {(): 0}
    assert readings(watched, "canonry_edge_up") == {(): 1}
    assert readings(watched, "canonry_deployments") == {}


@pytest.mark.parametrize("token", ["short", "x" * 15, "sixteen characters\n"])
def test_a_token_that_could_be_guessed_is_refused_at_the_start(token: str) -> None:
    with pytest.raises(Invalid, match="CANONRY_METRICS_TOKEN"):
        read_settings({"CANONRY_METRICS_TOKEN": token})
