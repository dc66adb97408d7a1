"""`canonry tokens`, `members`, `organizations` and `account`."""

import json
from typing import Any

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")

TOKEN: dict[str, Any] = {
    "id": "tok_1", "name": "ci", "prefix": "cnr_a1b2c3", "scope": "deploy", "project": "shop", "owner": "ada@example.com",
    "created_at": "2026-01-01T00:00:00+00:00", "last_used_at": None, "expires_at": "2027-01-31T00:00:00+00:00",
}  # fmt: skip
MEMBER = {"id": "usr_1", "email": "grace@example.com", "name": "Grace", "role": "viewer", "joined_at": "2026-01-01T00:00:00+00:00"}
INVITATION = {
    "id": "inv_1", "email": "new@example.com", "role": "developer", "invited_by": "Ada", "created_at": "2026-01-01T00:00:00+00:00",
    "expires_at": "2026-01-08T00:00:00+00:00",
}  # fmt: skip
HERE = "/v1/organizations/ada"


def test_the_value_of_a_new_token_is_all_that_stdout_has(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/tokens"] = (201, {**TOKEN, "token": "cnr_value"})
    done = canonry("tokens", "create", "ci", "--project", "shop", "--days", "30")
    assert (done.stdout, "tok_1" in done.stderr) == ("cnr_value\n", True)
    assert server.asked("POST", "/v1/tokens")[0].document == {"name": "ci", "scope": "deploy", "project": "shop", "expires_in_days": 30}
    assert json.loads(canonry("tokens", "create", "ci", "--scope", "read", "--json").stdout)["token"] == "cnr_value"
    assert canonry("tokens", "create", "ci", "--days", "0").returncode == 2


def test_tokens_are_listed_and_revoked(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/tokens"] = (200, {"tokens": [TOKEN], "next_cursor": None})
    line = canonry("tokens", "ls").stdout.splitlines()[1].split()
    assert line == ["tok_1", "ci", "cnr_a1b2c3…", "deploy", "shop", "ada@example.com", "-", "2027-01-31"]
    assert json.loads(canonry("tokens", "ls", "--json").stdout) == [TOKEN]
    server.refusals["/v1/tokens/tok_1"] = (204, {})
    assert canonry("tokens", "rm", "tok_1").returncode == 0
    assert len(server.asked("DELETE", "/v1/tokens/tok_1")) == 1


def test_members_are_listed_given_roles_and_removed(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[f"{HERE}/members"] = (200, {"members": [MEMBER], "next_cursor": None})
    assert "grace@example.com" in canonry("members", "ls").stdout
    assert json.loads(canonry("members", "ls", "--json").stdout) == [MEMBER]
    place = f"{HERE}/members/grace%40example.com"
    server.refusals[place] = (200, {"member": {**MEMBER, "role": "admin"}})
    assert "is admin now" in canonry("members", "role", "grace@example.com", "admin").stderr
    assert server.asked("PATCH", place)[0].document == {"role": "admin"}
    assert canonry("members", "rm", "grace@example.com").returncode == 2
    assert canonry("members", "rm", "grace@example.com", "--yes").returncode == 0
    assert len(server.asked("DELETE", place)) == 1


def test_people_are_invited_and_accept_with_the_link(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[f"{HERE}/invitations"] = (201, {"invitation": INVITATION, "mail_goes_out": False})
    assert "canonry mail show last" in canonry("members", "invite", "new@example.com").stderr
    server.refusals[f"{HERE}/invitations"] = (201, {"invitation": INVITATION, "mail_goes_out": True})
    assert "on its way to new@example.com" in canonry("members", "invite", "new@example.com").stderr
    assert server.asked("POST", f"{HERE}/invitations")[0].document == {"email": "new@example.com", "role": "developer"}
    server.refusals[f"{HERE}/invitations"] = (200, {"invitations": [INVITATION], "next_cursor": None})
    assert "inv_1" in canonry("members", "invitations").stdout
    server.refusals["/v1/invitations/accept"] = (200, {"organization": {"id": "org_1", "handle": "acme"}, "role": "developer"})
    done = canonry("members", "accept", stdin="http://localhost:8080/auth/invitation?token=geheim\n")
    assert "member of acme" in done.stderr
    assert server.asked("POST", "/v1/invitations/accept")[0].document == {"token": "geheim"}
    server.refusals[f"{HERE}/invitations/inv_1"] = (204, {})
    assert canonry("members", "rm", "inv_1", "--yes").returncode == 0


def test_organizations_are_listed_and_made(canonry: RunCli, server: ApiServer) -> None:
    organization = {"id": "org_1", "handle": "acme", "name": "Acme", "role": "owner", "joined_at": "2026-01-01T00:00:00+00:00"}
    server.refusals["/v1/organizations"] = (200, {"organizations": [organization], "next_cursor": None})
    assert canonry("organizations", "ls").stdout.splitlines()[1].split() == ["acme", "Acme", "owner", "org_1"]
    server.refusals["/v1/organizations"] = (201, {"organization": organization})
    assert canonry("organizations", "create", "Acme", "--handle", "acme").stdout == "acme\n"
    assert server.asked("POST", "/v1/organizations")[0].document == {"name": "Acme", "handle": "acme"}


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("new password\n", {"new_password": "new password"}),
        ("old one\nnew one\n", {"current_password": "old one", "new_password": "new one"}),
    ],
)
def test_a_password_comes_from_standard_input(canonry: RunCli, server: ApiServer, typed: str, sent: dict[str, str]) -> None:
    server.refusals["/v1/me/password"] = (200, {"status": "password_changed"})
    done = canonry("account", "password", stdin=typed)
    assert done.returncode == 0, done.stderr
    assert server.asked("POST", "/v1/me/password")[0].document == sent
    assert "password" not in done.stdout


@pytest.mark.parametrize("words", [("account", "password"), ("account", "two-factor", "on")])
def test_without_anything_typed_nothing_is_sent(canonry: RunCli, server: ApiServer, words: tuple[str, ...]) -> None:
    assert canonry(*words).returncode == 2
    assert [item for item in server.requests if item.method == "POST"] == []


def test_the_second_factor_is_shown_turned_off_and_given_new_codes(canonry: RunCli, server: ApiServer) -> None:
    server.refusals["/v1/me/two-factor"] = (200, {"enabled": True, "recovery_codes_left": 9})
    assert "9 recovery codes" in canonry("account", "two-factor", "status").stderr
    server.refusals["/v1/me/two-factor/recovery-codes"] = (200, {"recovery_codes": ["aaaa-bbbb", "cccc-dddd"]})
    assert canonry("account", "two-factor", "codes", "--code", stdin="123456\n").stdout == "aaaa-bbbb\ncccc-dddd\n"
    assert server.asked("POST", "/v1/me/two-factor/recovery-codes")[0].document == {"code": "123456"}
    server.refusals["/v1/me/two-factor/disable"] = (204, {})
    assert json.loads(canonry("account", "two-factor", "off", "--json", stdin="my password\n").stdout) == {"enabled": False}
    assert server.asked("POST", "/v1/me/two-factor/disable")[0].document == {"password": "my password"}


def test_an_organization_is_deleted_only_when_that_is_said(canonry: RunCli, server: ApiServer) -> None:
    server.refusals[HERE] = (200, {"organization": {"id": "org_1", "handle": "ada", "name": "Ada", "role": "owner", "created_at": "x"}})
    asked = canonry("organizations", "rm", "ada")
    assert (asked.returncode, "--yes" in asked.stderr) == (2, True)
    assert server.asked("DELETE", HERE) == []
    assert "Deleted ada" in canonry("organizations", "rm", "ada", "--yes").stderr
    assert len(server.asked("DELETE", HERE)) == 1
