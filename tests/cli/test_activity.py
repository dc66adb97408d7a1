"""`canonry activity` and `canonry audit verify`."""

import json

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")


def event(number: int, **fields: object) -> dict[str, object]:
    return {
        "id": str(number), "at": "2026-01-01T00:00:00.123456+00:00", "kind": "config", "name": "project.created",
        "summary": f"project created: shop-{number}", "actor": {"id": "usr_1", "name": "Ada", "credential": "token tok_1"},
        "address": "192.0.2.1", **fields,
    }  # fmt: skip


def test_events_are_a_table_and_json(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/activity"] = (200, {"events": [event(2, address=""), event(1)], "next_cursor": None})
    lines = canonry("activity", "--project", "shop", "--kind", "config").stdout.splitlines()
    assert lines[0].split() == ["WHEN", "WHO", "WHAT", "FROM"]
    assert lines[1].split("  ") == ["2026-01-01T00:00:00Z", "Ada", "project created: shop-2", "-"]
    assert lines[2].endswith("192.0.2.1")
    assert server.asked("GET", "/v1/activity")[0].query == {"project": "shop", "kind": "config", "limit": "50"}
    assert [item["id"] for item in json.loads(canonry("activity", "--json").stdout)] == ["2", "1"]


def test_nothing_is_said_as_such(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/activity"] = (200, {"events": [], "next_cursor": None})
    assert "Nothing happened" in canonry("activity").stderr
    assert json.loads(canonry("activity", "--json").stdout) == []


def test_a_broken_chain_is_told_with_the_event_and_ends_with_5(canonry: RunCli, server: ApiServer) -> None:
    head = {"organization_id": "org_1", "event_id": "9", "events": 9, "hash": "ab" * 32, "at": "2026-01-01T00:00:00+00:00"}
    server.refusals["/v1/activity/verify"] = (200, {"ok": True, "events": 9, "unchained": 2, "heads": [head], "broken": []})
    done = canonry("audit", "verify")
    assert (done.returncode, "ab" * 32 in done.stdout, "older than the chain" in done.stderr) == (0, True, True)
    found = {"organization_id": "org_1", "event_id": "4", "at": None, "name": "x.y", "reason": "it was changed"}
    server.refusals["/v1/activity/verify"] = (200, {"ok": False, "events": 9, "unchained": 0, "heads": [head], "broken": [found]})
    done = canonry("audit", "verify")
    assert (done.returncode, "broken at event 4 x.y: it was changed" in done.stdout) == (5, True)
    done = canonry("audit", "verify", "--json")
    assert (done.returncode, json.loads(done.stdout)["broken"][0]["event_id"]) == (5, "4")
