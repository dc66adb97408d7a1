"""`canonry webhooks`."""

import json

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")

WEBHOOK = {
    "id": "whk_1", "url": "https://example.com/hook", "events": ["deployment.*"], "project_id": None, "active": True, "failing_since": None,
    "disabled_reason": None,
}  # fmt: skip
ATTEMPT = {"at": "2026-01-01T00:00:00+00:00", "status": 500, "error": None, "duration_ms": 12, "response": "no"}
DELIVERY = {
    "id": "dlv_1", "event": "deployment.failed", "status": "waiting", "attempts": [ATTEMPT], "next_at": None,
    "created_at": "2026-01-01T00:00:00+00:00",
}  # fmt: skip


def test_one_is_added_and_its_secret_is_all_that_stdout_has(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/webhooks"] = (201, {"webhook": WEBHOOK, "secret": "whsec_x"})
    done = canonry("webhooks", "add", "https://example.com/hook", "--events", "deployment.failed, domain.*", "--project", "shop")
    assert (done.stdout, "whk_1" in done.stderr) == ("whsec_x\n", True)
    assert server.asked("POST", "/v1/webhooks")[0].document == {
        "url": "https://example.com/hook", "events": ["deployment.failed", "domain.*"], "project": "shop",
    }  # fmt: skip
    assert json.loads(canonry("webhooks", "add", "https://example.com/hook", "--json").stdout)["secret"] == "whsec_x"
    assert server.asked("POST", "/v1/webhooks")[1].document == {"url": "https://example.com/hook"}


def test_they_are_listed_with_their_state(canonry: RunCli, server: ApiServer) -> None:
    off = {**WEBHOOK, "id": "whk_2", "active": False, "disabled_reason": "nothing has arrived there for 5 days"}
    server.refusals["/v1/webhooks"] = (200, {"webhooks": [WEBHOOK, off], "next_cursor": None})
    lines = canonry("webhooks", "ls").stdout.splitlines()
    assert lines[1].split() == ["whk_1", "on", "deployment.*", "https://example.com/hook"]
    assert "off: nothing has arrived" in lines[2]
    assert [item["id"] for item in json.loads(canonry("webhooks", "ls", "--json").stdout)] == ["whk_1", "whk_2"]


def test_deliveries_are_listed_and_replayed(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/webhooks/whk_1/deliveries"] = (200, {"deliveries": [DELIVERY], "next_cursor": None})
    assert "500 in 12 ms" in canonry("webhooks", "deliveries", "whk_1").stdout
    assert json.loads(canonry("webhooks", "deliveries", "whk_1", "--json").stdout)[0]["attempts"] == [ATTEMPT]
    server.refusals["/v1/webhooks/whk_1/deliveries/dlv_1/replay"] = (202, {"delivery": {**DELIVERY, "id": "dlv_2"}})
    assert "dlv_2" in canonry("webhooks", "replay", "whk_1", "dlv_1").stderr


def test_one_is_switched_pinged_and_removed(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/webhooks/whk_1"] = (200, {"webhook": WEBHOOK})
    server.refusals["/v1/webhooks/whk_1/ping"] = (202, {"delivery": DELIVERY})
    for verb in ("off", "on", "ping", "rm"):
        assert canonry("webhooks", verb, "whk_1").returncode == 0
    assert [item.document for item in server.asked("PATCH", "/v1/webhooks/whk_1")] == [{"active": False}, {"active": True}]
    assert len(server.asked("DELETE", "/v1/webhooks/whk_1")) == len(server.asked("POST", "/v1/webhooks/whk_1/ping")) == 1
