"""Scale: sizes, the words of both platforms, the same wish twice, a wish in the middle of a deployment."""

from typing import Any

import pytest

from canonry.wiring.container import Container
from tests.support.api import APP, SITE, Answer, Api, serving

PROCFILE = {"Procfile": "web: sleep 600\nworker: sleep 600"}


def ask(api: Api, slug: str, **body: object) -> Answer:
    return api.ask("POST", f"/v1/projects/{slug}/scale", body)


def staying(api: Api, slug: str, process: str = "web") -> list[dict[str, Any]]:
    return [row for row in api.instances(slug) if row["status"] != "draining" and row["process"] == process]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"size": "xs"}, (1, "xs", 128, 0.25)), ({"size": "xl", "instances": 2}, (2, "xl", 2048, 4)),
        ({"size": "l", "memory_mb": 300}, (1, None, 300, 2)), ({"size": "l", "cpu": 0.5}, (1, None, 1024, 0.5)),
        ({"size": "l", "cpu": None}, (1, None, 1024, None)), ({"memoryMb": 256, "vcpu": 0.5}, (1, "s", 256, 0.5)),
        ({"memory_mb": 512, "memoryMb": 512, "vcpu": 1}, (1, "m", 512, 1)), ({"cpu": 0.123456}, (1, None, 512, 0.12)),
    ],
)  # fmt: skip
def test_a_size_is_memory_and_cpu_and_what_is_said_beside_it_wins(
    api: Api, body: dict[str, object], shown: tuple[int, str | None, int, float | None]
) -> None:
    slug = api.app()
    scale = ask(api, slug, **body).json["scale"]
    assert (scale["instances"], scale["size"], scale["memory_mb"], scale["cpu"]) == shown
    assert [(row["memory_mb"], row["cpu"]) for row in staying(api, slug)] == [shown[2:]] * shown[0]


@pytest.mark.parametrize(
    "body", [{}, {"process": "web"}, {"instances": None}, {"cpu": 1, "vcpu": 2}, {"memory_mb": 64, "memoryMb": 65}, {"diskGb": 5}]
)  # fmt: skip
def test_a_body_that_says_nothing_or_two_things_is_refused(api: Api, body: dict[str, object]) -> None:
    assert ask(api, api.project(), **body).error == (400, "validation_failed")


@pytest.mark.parametrize("wrong", [0, -1, "x", "2", 2.5, True, [1]])
def test_a_number_of_instances_that_is_none_is_said_in_words(api: Api, wrong: object) -> None:
    answer = ask(api, api.project(), instances=wrong)
    assert answer.json["issues"] == [{"path": "body.instances", "message": "must be a positive integer", "code": "value_error"}]


def test_the_same_wish_again_changes_nothing(api: Api) -> None:
    slug = api.app()
    ask(api, slug, instances=2, size="s", cpu=0.33)
    before = api.instances(slug)
    assert ask(api, slug, instances=2, size="s", cpu=0.33).status == 200
    assert api.instances(slug) == before


def test_a_scale_shows_what_is_wanted_and_what_runs_of_every_process(api: Api) -> None:
    slug = api.project()
    empty = api.get(f"/v1/projects/{slug}/scale")
    assert [(row["process"], row["instances"], row["running"]) for row in empty["processes"]] == [("web", 1, 0)]
    assert [tier["size"] for tier in empty["tiers"]] == ["xs", "s", "m", "l", "xl"]
    assert empty["max_instances"] == 32
    api.deploy(slug, PROCFILE)
    ask(api, slug, process="worker", instances=3)
    shown = {row["process"]: row for row in api.get(f"/v1/projects/{slug}/scale")["processes"]}
    assert (shown["web"]["instances"], shown["web"]["running"], shown["web"]["healthy"]) == (1, 1, 1)
    assert (shown["worker"]["instances"], shown["worker"]["running"], shown["worker"]["cpu"]) == (3, 3, None)


def test_a_static_site_has_no_processes(api: Api) -> None:
    slug = api.project()
    api.deploy(slug, SITE)
    assert api.get(f"/v1/projects/{slug}/scale")["processes"] == []


@pytest.mark.parametrize(("first", "then"), [(1, 3), (3, 1)])
def test_a_scale_in_the_middle_of_a_deployment_is_that_of_what_goes_live(container: Container, first: int, then: int) -> None:
    class Gate:
        """Scales when the second deployment is about to switch: its instances are started already."""

        def __init__(self) -> None:
            self.asked = 0

        def check(self, project_id: str, commit: str | None) -> Any:  # noqa: ANN401 -- the answer of the gate behind
            self.asked += 1
            if self.asked == 2:
                assert ask(api, slug, instances=then).status == 200
            return container.ports.gate.check(project_id, commit)

    with serving(container, gate=Gate()) as api:
        slug = api.app()
        ask(api, slug, instances=first)
        assert api.deploy(slug, {**APP, "more": "1"})["status"] == "live"
        live = api.deployments(slug)[0]["release_id"]
        assert [(row["index"], row["release_id"]) for row in staying(api, slug)] == [(index, live) for index in range(then)]
