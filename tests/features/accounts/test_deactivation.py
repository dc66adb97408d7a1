"""Somebody who is deactivated is out at once, with everything they had; and comes back with nothing of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from canonry.cli.server import users as commands
from canonry.core.access import Role, Scope
from canonry.core.errors import Conflict, NotFound
from canonry.features import accounts
from canonry.features.auth import jobs as auth
from canonry.features.tokens import jobs as tokens
from canonry.wiring.container import Container
from tests.support.api import Api
from tests.support.people import member
from tests.support.signing_in import SignIn, give_password

GRACE = "grace@example.com"


def deactivate(api: Api, email: str = GRACE) -> list[str]:
    with api.container.transactions.begin() as tx:
        return accounts.deactivate(tx, email)[1]


def activate(api: Api, email: str = GRACE) -> None:
    with api.container.transactions.begin() as tx:
        accounts.activate(tx, email)


def events(api: Api, name: str) -> list[dict[str, object]]:
    with api.container.transactions.begin() as tx:
        return [row[0] for row in tx.connection.execute("SELECT payload FROM events WHERE name = %s ORDER BY id", (name,)).fetchall()]


def test_tokens_keys_and_sessions_are_refused_from_the_next_request_on(api: Api, sign_in: SignIn) -> None:
    grace = member(api, Role.ADMIN, "grace")
    give_password(api, grace.user_id)
    session = sign_in(GRACE)
    made = api.ask("POST", "/app/ada/settings/api-keys/", {"label": "ci", "scopes": ["specs:read"]}, token=grace.tokens[Scope.ADMIN])
    assert made.status == 201, made.body
    key = max((value for value in made.json.values() if str(value).startswith("sw_")), key=len)  # not its beginning, which is shown
    assert api.ask("GET", "/v1/me", token=grace.tokens[Scope.READ]).status == 200
    assert api.ask("GET", "/app/ada/api/coverage", token=key).status == 200
    assert session.get("/v1/me").status == 200
    assert deactivate(api) == []
    assert api.ask("GET", "/v1/me", token=grace.tokens[Scope.READ]).error == (403, "account_deactivated")
    assert api.ask("GET", "/app/ada/api/coverage", token=key).error[0] == 403
    assert session.get("/v1/me").status in {401, 403}
    with pytest.raises(AssertionError):
        sign_in(GRACE)
    assert len(events(api, "user.deactivated")) == 1


def test_what_ended_does_not_come_back(api: Api) -> None:
    grace = member(api, Role.DEVELOPER, "grace")
    deactivate(api)
    with api.container.transactions.begin() as tx:
        jobs = tx.connection.execute(
            "SELECT task_name, args FROM procrastinate_jobs WHERE args->>'user_id' = %s ORDER BY id", (grace.user_id,)
        ).fetchall()
    assert [name for name, _ in jobs] == ["auth.end_sessions", "tokens.revoke_everywhere"]
    for _ in range(2):  # a job may run twice
        auth.end_sessions(api.container, **jobs[0][1])
        tokens.revoke_everywhere(api.container, **jobs[1][1])
    activate(api)
    assert api.ask("GET", "/v1/me", token=grace.tokens[Scope.READ]).status == 401
    assert len(events(api, "credentials.revoked")) == 1
    assert len(events(api, "user.activated")) == 1


def test_an_invitation_they_sent_is_no_way_back(api: Api) -> None:
    grace = member(api, Role.ADMIN, "grace")
    body = {"email": "second@example.com"}
    assert api.ask("POST", "/v1/organizations/ada/invitations", body, token=grace.tokens[Scope.ADMIN]).status == 201
    deactivate(api)
    assert api.get("/v1/organizations/ada/invitations")["invitations"] == []


def test_bad_input_names_the_fault_and_changes_nothing(api: Api) -> None:
    member(api, Role.DEVELOPER, "grace")
    for email in ("nobody@example.com", "\0", ""):
        with pytest.raises(NotFound, match="no account"):
            deactivate(api, email)
    with pytest.raises(Conflict) as found:
        activate(api)
    assert found.value.code == "already_active"
    deactivate(api, " Grace@Example.com ")
    with pytest.raises(Conflict) as found:
        deactivate(api)
    assert found.value.code == "already_deactivated"


def test_the_last_one_who_runs_it_stays(api: Api) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET is_operator = (id = %s)", (api.owner.user_id,))
    with pytest.raises(Conflict) as found:
        deactivate(api, "ada@example.com")
    assert found.value.code == "last_operator"
    assert api.ask("GET", "/v1/me").status == 200


def test_an_organization_without_an_owner_who_can_act_is_named(api: Api) -> None:
    grace = member(api, Role.OWNER, "grace")
    assert deactivate(api) == []
    activate(api)
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE members SET role = 'viewer' WHERE user_id = %s AND organization_id = %s",
                              (api.owner.user_id, grace.organization_id))  # fmt: skip
    assert deactivate(api) == ["ada"]


def test_the_commands_say_what_happened(api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    @contextmanager
    def opened(home: Path | None) -> Iterator[Container]:
        assert home is None
        yield api.container

    monkeypatch.setattr(commands, "opened", opened)
    member(api, Role.DEVELOPER, "grace")
    commands.deactivate(GRACE, as_json=True)
    assert json.loads(capsys.readouterr().out)["deactivated_at"] is not None
    commands.list_users(as_json=True)
    listed = {item["email"]: item for item in json.loads(capsys.readouterr().out)}
    assert (sorted(listed[GRACE]["organizations"]), listed["ada@example.com"]["deactivated_at"]) == (["ada", "grace-own"], None)
    commands.list_users()
    assert "deactivated" in capsys.readouterr().out
    commands.activate(GRACE)
    assert "may sign in again" in capsys.readouterr().err
    commands.deactivate(GRACE)
    assert "canonry users activate grace@example.com" in capsys.readouterr().err
