"""Tokens: who is let in, and what is kept of them."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from canonry.core.access import PERMISSIONS, Permission, Scope
from canonry.core.secret import Secret
from canonry.features.tokens import TokenIdentity
from tests.support.api import Api


def change(api: Api, token: str, **columns: object) -> None:
    with api.container.transactions.begin() as tx:
        for name, value in columns.items():
            digest = hashlib.sha256(token.encode()).digest()
            tx.connection.execute(f"UPDATE tokens SET {name} = %s WHERE sha256 = %s".encode(), (value, digest))  # noqa: S608 -- our own names


def used_at(api: Api, token: str) -> datetime | None:
    with api.container.transactions.begin() as tx:
        query = "SELECT last_used_at FROM tokens WHERE sha256 = %s"
        row = tx.connection.execute(query, (hashlib.sha256(token.encode()).digest(),)).fetchone()
    assert row is not None
    found: datetime | None = row[0]
    return found


@pytest.mark.parametrize("scope", Scope)
def test_a_token_has_the_permissions_of_its_scope(api: Api, scope: Scope) -> None:
    me = api.ask("GET", "/v1/me", token=api.owner.tokens[scope]).json
    assert me["permissions"] == sorted(PERMISSIONS[scope] | ({Permission.PLATFORM_MANAGE} if scope == Scope.ADMIN else set()))
    assert (me["authenticated"], me["user"]["id"], me["account"]["handle"]) == (True, api.owner.user_id, "ada")


def test_a_token_authenticates_until_it_expires(api: Api) -> None:
    token = api.owner.tokens[Scope.READ]
    change(api, token, expires_at=datetime.now(UTC) + timedelta(minutes=1))
    assert api.ask("GET", "/v1/me", token=token).status == 200
    change(api, token, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert api.ask("GET", "/v1/me", token=token).error == (401, "invalid_token")


def test_the_very_next_request_with_a_revoked_token_is_401(api: Api) -> None:
    token = api.owner.tokens[Scope.ADMIN]
    assert api.ask("GET", "/v1/me", token=token).status == 200
    change(api, token, revoked_at=datetime.now(UTC))
    answer = api.ask("GET", "/v1/me", token=token)
    assert answer.error == (401, "invalid_token")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "credential",
    ["Bearer cnr_" + "0" * 48, "Bearer sw_{token}", "Bearer {token}x", "Bearer {short}", "Bearer cnr_", "Bearer {upper}"],
)
def test_a_credential_that_is_almost_right_is_401_and_not_repeated(api: Api, credential: str) -> None:
    token = api.owner.tokens[Scope.ADMIN]
    sent = credential.format(token=token, short=token[:-1], upper=token.upper())
    answer = api.ask("GET", "/v1/me", token=None, headers={"Authorization": sent})
    assert answer.error == (401, "invalid_token")
    assert sent.partition(" ")[2].encode() not in answer.body


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic {token}", "{token}", "Token {token}"])
def test_without_a_bearer_token_it_is_401_and_says_how_to_send_one(api: Api, header: str) -> None:
    answer = api.ask("GET", "/v1/me", token=None, headers={"Authorization": header.format(token=api.owner.tokens[Scope.ADMIN])})
    assert answer.error == (401, "unauthenticated")
    assert "Bearer" in answer.json["hint"]


@pytest.mark.parametrize("header", ["bearer {token}", "BEARER {token}", "Bearer   {token}  "])
def test_the_scheme_is_read_in_any_letter_case_and_with_any_space(api: Api, header: str) -> None:
    sent = {"Authorization": header.format(token=api.owner.tokens[Scope.ADMIN])}
    assert api.ask("GET", "/v1/me", token=None, headers=sent).status == 200


def test_the_use_of_a_token_is_noted_once_a_minute(api: Api) -> None:
    token = api.owner.tokens[Scope.READ]
    assert used_at(api, token) is None
    api.ask("GET", "/v1/me", token=token)
    first = used_at(api, token)
    assert first is not None
    api.ask("GET", "/v1/me", token=token)
    assert used_at(api, token) == first
    change(api, token, last_used_at=first - timedelta(minutes=2))
    api.ask("GET", "/v1/me", token=token)
    again = used_at(api, token)
    assert again is not None
    assert again >= first


def test_the_database_holds_only_a_hash(api: Api) -> None:
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute("SELECT tokens::text, octet_length(sha256) FROM tokens").fetchall()
    assert {row[1] for row in rows} == {32}
    assert not any(token in row[0] for token in api.owner.tokens.values() for row in rows)


def test_a_credential_of_another_kind_is_not_even_looked_up(api: Api) -> None:
    identity = TokenIdentity(api.container.transactions)
    assert identity.authenticate(Secret("sw_" + "0" * 48)) is None
    assert identity.authenticate(Secret("cnr_\0")) is None


@pytest.mark.criterion("identity#bound-token")
def test_a_token_of_one_project_knows_no_other(api: Api) -> None:
    mine, other = api.project(), api.project()
    token = api.owner.tokens[Scope.DEPLOY]
    change(api, token, project_id=api.get(f"/v1/projects/{mine}")["id"])
    assert api.ask("GET", f"/v1/projects/{mine}", token=token).status == 200
    assert api.ask("GET", f"/v1/projects/{other}", token=token).error == (404, "project_not_found")
    for query in ("", "?limit=1"):  # on the first page, however many newer ones there are
        page = api.ask("GET", f"/v1/projects{query}", token=token).json
        assert ([row["slug"] for row in page["projects"]], page["next_cursor"]) == ([mine], None)
    assert api.ask("POST", "/v1/projects", {"name": "third"}, token=token).error == (404, "project_not_found")


def test_a_token_of_somebody_deactivated_is_refused_with_the_reason(api: Api) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET deactivated_at = now() WHERE id = %s", (api.owner.user_id,))
    assert api.ask("GET", "/v1/me").error == (403, "account_deactivated")


def test_only_the_operators_unbound_admin_token_runs_this_canonry(api: Api) -> None:
    project = api.get(f"/v1/projects/{api.project()}")["id"]
    assert "platform:manage" not in api.ask("GET", "/v1/me", token=api.somebody().tokens[Scope.ADMIN]).json["permissions"]
    change(api, api.owner.tokens[Scope.ADMIN], project_id=project)
    assert "platform:manage" not in api.get("/v1/me")["permissions"]
