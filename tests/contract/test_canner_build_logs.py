"""The log of a deployment, in the words of the contract."""

import http.client
import json
from typing import Any

import pytest

from canonry.core.access import Scope
from canonry.features.deployments.build_log import BuildLog
from tests.support.api import APP, SITE, Api


@pytest.mark.contract("Canner", "GET /v1/deployments/{id}/logs")
def test_the_log_is_ordered_resumable_by_sequence_and_done_at_the_end_without_secrets(api: Api) -> None:
    slug = api.project(start_command="sleep 600", install_command="true", build_command="echo the key is hunter2secret")
    assert api.ask("POST", f"/v1/projects/{slug}/env", {"key": "KEY", "value": "hunter2secret"}).status == 201
    waiting = api.upload(slug, APP).json["deployment"]["id"]
    assert api.get(f"/v1/deployments/{waiting}/logs")["done"] is False
    api.work(slug)
    whole = api.get(f"/v1/deployments/{waiting}/logs")
    assert whole["done"] is True
    assert [line["seq"] for line in whole["lines"]] == sorted({line["seq"] for line in whole["lines"]})
    seen: list[dict[str, Any]] = []
    after = 0
    for _ in range(len(whole["lines"])):
        page = api.get(f"/v1/deployments/{waiting}/logs?after={after}&limit=1")
        seen, after = seen + page["lines"], page["next_seq"]
    assert seen == whole["lines"]
    assert "hunter2" not in json.dumps(whole)


@pytest.mark.contract("Canner", "GET /v1/deployments/{id}/logs/stream")
def test_the_stream_delivers_while_building_closes_at_the_end_and_a_reconnect_misses_nothing(api: Api) -> None:
    slug = api.project()
    waiting = api.upload(slug, SITE).json["deployment"]["id"]
    path = f"/v1/deployments/{waiting}/logs/stream"
    log = BuildLog(api.container.home, waiting)
    with api.connection() as connection:
        response = _open(api, connection, path)
        for number in range(3):
            log.build(f"line {number}")
            assert _next(response)["data"]["text"] == f"line {number}"  # while it builds
        last = _next_id(api, waiting)
    log.build("while nobody listens")
    log.close()
    api.work(slug)
    with api.connection() as connection:
        rest = []
        response = _open(api, connection, path, last)
        while (found := _next(response))["event"] != "done":
            rest.append(found["data"]["text"])
        assert found["data"]["deployment"]["status"] == "live"
        assert response.read() == b""  # it closes
    everything = [line["text"] for line in api.get(f"/v1/deployments/{waiting}/logs")["lines"]]
    assert everything[:4] == ["line 0", "line 1", "line 2", "while nobody listens"]
    assert rest == everything[3:]


def _open(api: Api, connection: http.client.HTTPConnection, path: str, last: str | None = None) -> http.client.HTTPResponse:
    headers = {"Authorization": f"Bearer {api.owner.tokens[Scope.READ]}"}
    connection.request("GET", path, headers=headers | ({"Last-Event-ID": last} if last is not None else {}))
    response = connection.getresponse()
    assert (response.status, response.getheader("content-type")) == (200, "text/event-stream; charset=utf-8")
    return response


def _next(response: http.client.HTTPResponse) -> dict[str, Any]:
    """Return the next event of a stream: its name, its id, its data."""
    fields: dict[str, Any] = {}
    while line := response.readline().decode().rstrip("\n") or not fields:
        name, _, value = str(line).partition(": ")
        if name in {"event", "id", "data"}:
            fields[name] = json.loads(value) if name == "data" else value
    return fields


def _next_id(api: Api, deployment: str) -> str:
    """Return the id of the third event, as a client that saw three of them has it."""
    with api.connection() as connection:
        response = _open(api, connection, f"/v1/deployments/{deployment}/logs/stream")
        return [_next(response)["id"] for _ in range(3)][-1]
