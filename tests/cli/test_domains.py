"""`canonry domains`: records that can be pasted, waiting for the proof, and what is sent."""

import json
from typing import Any

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")
AT = "/v1/projects/shop/domains"
CHECK: dict[str, Any] = {
    "check": "ownership", "type": "TXT", "name": "_canonry.www.shop.test", "expected": ["canonry-1"], "found": [], "ok": False,
    "message": "No TXT record at _canonry.www.shop.test: there is no such name.",
}  # fmt: skip
DOMAIN: dict[str, Any] = {
    "hostname": "www.shop.test", "kind": "custom", "verified": False, "points_here": None, "primary": False, "redirect": True,
    "ssl": "pending", "ssl_expires_at": None, "ssl_error": None, "checks": [CHECK], "checked_at": None,
    "dns_records": [
        {"type": "CNAME", "name": "www.shop.test", "value": "shop.apps.test", "purpose": "routing", "note": ""},
        {"type": "TXT", "name": "_canonry.www.shop.test", "value": "canonry-1", "purpose": "ownership", "note": ""},
    ],
}  # fmt: skip
VERIFIED = {**DOMAIN, "verified": True, "ssl": "active", "ssl_expires_at": "2027-02-01T00:00:00+00:00"}


@pytest.fixture(autouse=True)
def answers(server: ApiServer) -> None:
    server.refusals[AT] = (200, {"domains": [VERIFIED, {**DOMAIN, "hostname": "shop.test", "points_here": False}], "domain": DOMAIN})
    for path in (f"{AT}/www.shop.test", f"{AT}/www.shop.test/primary"):
        server.refusals[path] = (200, {"domain": DOMAIN})
    server.refusals[f"{AT}/www.shop.test/verify"] = (200, {"domain": VERIFIED})
    server.refusals["/v1/projects/shop/aliases"] = (201, {"hostname": "www.shop.test"})


def test_they_are_listed(canonry: RunCli) -> None:
    lines = canonry("domains", "ls", "--project", "shop").stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["www.shop.test", "custom", "yes", "-", "-", "active"], ["shop.test", "custom", "no", "no", "-", "pending"]
    ]  # fmt: skip
    assert json.loads(canonry("domains", "ls", "--project", "shop", "--json").stdout)[0]["hostname"] == "www.shop.test"


def test_adding_prints_the_records_as_lines_of_a_zone(canonry: RunCli, server: ApiServer) -> None:
    done = canonry("domains", "add", "www.shop.test", "--project", "shop", "--no-redirect")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["www.shop.test.", "300", "IN", "CNAME", "shop.apps.test."], ["_canonry.www.shop.test.", "300", "IN", "TXT", '"canonry-1"'],
    ]  # fmt: skip
    assert "canonry domains verify www.shop.test" in done.stderr
    assert server.requests[-1].document == {"hostname": "www.shop.test", "redirect": False}


def test_an_alias_is_added_as_one(canonry: RunCli, server: ApiServer) -> None:
    done = canonry("domains", "add", "www.shop.test", "--alias", "--project", "shop")
    assert done.returncode == 0, done.stderr
    assert server.requests[-2].document == {"hostname": "www.shop.test"}
    assert "served already" in done.stderr


def test_waiting_ends_when_it_is_verified(canonry: RunCli) -> None:
    done = canonry("domains", "add", "www.shop.test", "--wait", "--project", "shop")
    assert (done.returncode, "www.shop.test is verified." in done.stderr) == (0, True)


def test_what_is_not_verified_says_what_is_missing_and_fails(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[f"{AT}/www.shop.test/verify"] = (200, {"domain": DOMAIN})
    for words in ([], ["--wait", "--timeout", "1"]):
        done = canonry("domains", "verify", "www.shop.test", *words, "--project", "shop")
        assert done.returncode != 0
        assert "No TXT record at _canonry.www.shop.test" in done.stderr
        assert "not verified" in done.stderr


def test_one_is_shown_with_its_records_and_what_was_found(canonry: RunCli) -> None:
    shown = canonry("domains", "info", "www.shop.test", "--project", "shop").stdout
    assert "missing: No TXT record" in shown
    assert 'IN  TXT    "canonry-1"' in shown


def test_the_primary_one_is_chosen_with_or_without_redirects(canonry: RunCli, server: ApiServer) -> None:
    canonry("domains", "primary", "www.shop.test", "--redirect-subdomain", "yes", "--project", "shop")
    assert server.requests[-1].document == {"redirect": None, "redirect_subdomain": True}
    wrong = canonry("domains", "primary", "www.shop.test", "--redirect-others", "maybe", "--project", "shop")
    assert (wrong.returncode != 0, "say yes or no" in wrong.stderr) == (True, True)


def test_one_is_removed(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[f"{AT}/www.shop.test"] = (204, {})
    assert canonry("domains", "rm", "www.shop.test", "--project", "shop").returncode == 0
    assert (server.requests[-1].method, server.requests[-1].path) == ("DELETE", f"{AT}/www.shop.test")
