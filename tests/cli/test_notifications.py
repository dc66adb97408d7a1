"""`canonry notifications`."""

import json

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")
PATH = "/v1/me/notifications"
WISHES = {"failed_production": "own", "failed_preview": "off", "recovered": False}


def test_without_options_they_are_shown(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[PATH] = (200, {"notifications": WISHES, "reachable": False})
    done = canonry("notifications")
    assert "those you asked for" in done.stdout
    assert "does not reach you" in done.stderr
    assert json.loads(canonry("notifications", "--json").stdout)["notifications"] == WISHES
    assert server.asked("PATCH", PATH) == []


def test_options_change_what_they_name(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[PATH] = (200, {"notifications": WISHES, "reachable": True})
    assert canonry("notifications", "--production", "own", "--recovered", "on").returncode == 0
    assert server.asked("PATCH", PATH)[0].document == {"failed_production": "own", "recovered": True}
    wrong = canonry("notifications", "--recovered", "perhaps")
    assert (wrong.returncode, len(server.asked("PATCH", PATH))) == (2, 1)
