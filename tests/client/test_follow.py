"""Following a log while the server comes and goes."""

from collections.abc import Iterator
from itertools import islice

import pytest

from canonry.client.api import Api
from canonry.client.credentials import Credentials
from canonry.client.follow import Patience, follow_build, follow_runtime
from canonry.client.models import BuildLine
from canonry.core.errors import NotFound, Unavailable
from canonry.core.secret import Secret
from tests.support.api_server import TOKEN, ApiServer

HASTY = Patience(seconds=0.3, sleep=lambda _: None)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        running.add_project("shop")
        yield running


@pytest.fixture
def api(server: ApiServer) -> Api:
    return Api(Credentials(server.url, Secret(TOKEN)))


def test_every_line_comes_once_and_in_order_over_many_breaks(api: Api, server: ApiServer) -> None:
    server.build = [f"line {number}" for number in range(100)]
    server.breaks = [1, 0, 30, 2, 40]
    deployment = server.add_deployment("shop")
    seen: list[BuildLine] = []
    assert follow_build(api, deployment["id"], seen.append, HASTY)["status"] == "live"
    assert [line["text"] for line in seen] == server.build


def test_a_server_that_only_breaks_is_given_up_after_a_while(api: Api, server: ApiServer) -> None:
    server.breaks = [0] * 10_000
    deployment = server.add_deployment("shop")
    with pytest.raises(Unavailable, match="no contact") as caught:
        follow_build(api, deployment["id"], lambda _: None, HASTY)
    assert caught.value.code == "contact_lost"


def test_a_server_that_refuses_for_a_moment_is_waited_for(api: Api, server: ApiServer) -> None:
    deployment = server.add_deployment("shop")
    path = f"/v1/deployments/{deployment['id']}/logs/stream"
    server.refusals[path] = (503, {"error": "starting", "message": "Not yet."})
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            del server.refusals[path]

    assert follow_build(api, deployment["id"], lambda _: None, Patience(seconds=20, sleep=sleep))["status"] == "live"
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0])


def test_a_deployment_that_is_gone_is_not_waited_for(api: Api, server: ApiServer) -> None:
    server.refusals["/v1/deployments/dep_1/logs/stream"] = (404, {"error": "deployment_not_found", "message": "No."})
    with pytest.raises(NotFound):
        follow_build(api, "dep_1", lambda _: None, HASTY)


def test_the_runtime_log_loses_and_repeats_nothing_though_only_some_lines_carry_a_cursor(api: Api, server: ApiServer) -> None:
    server.runtime = ["first", *["the same line"] * 5, "other", *["the same line"] * 4]
    server.breaks = [5, 1, 2, 0, 4]
    assert [line["text"] for line in islice(follow_runtime(api, "shop", "0", HASTY), 11)] == server.runtime
    streams = server.asked("GET", "/v1/projects/shop/logs/stream")
    assert [item.headers.get("Last-Event-ID") for item in streams] == ["0", "3", "3", "3", "3", "6"]
