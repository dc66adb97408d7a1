"""Making, listing and revoking tokens over HTTP."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canonry.core.access import Role, Scope
from tests.support.api import Api
from tests.support.signing_in import SignIn, work


def mint(api: Api, token: str = "", **fields: object) -> dict[str, Any]:
    answer = api.ask("POST", "/v1/tokens", {"name": "ci", **fields}, token=token)
    assert answer.status == 201, answer.body
    return dict(answer.json)


def refusal(api: Api, token: str = "", **fields: object) -> tuple[int, str]:
    return api.ask("POST", "/v1/tokens", {"name": "ci", **fields}, token=token).error


def execute(api: Api, query: str, *values: object) -> list[Any]:
    with api.container.transactions.begin() as tx:
        cursor = tx.connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []


def names(answer: Mapping[str, Any]) -> list[str]:
    return [item["name"] for item in answer["tokens"]]


@pytest.mark.contract("Canner", "POST /v1/tokens")
@pytest.mark.criterion("identity#token-hash-only")
def test_a_token_is_shown_once_works_at_once_and_is_kept_as_a_hash(api: Api) -> None:
    made = mint(api)
    assert made["token"].startswith("cnr_")
    assert len(made["token"]) == 4 + 48
    assert (made["name"], made["scope"], made["project"], made["expires_at"]) == ("ci", "deploy", None, None)
    assert api.ask("GET", "/v1/projects", token=made["token"]).status == 200
    for table in ("tokens", "events"):
        assert made["token"] not in str(execute(api, f"SELECT * FROM {table}"))  # noqa: S608
    kept = execute(api, "SELECT sha256 FROM tokens WHERE id = %s", made["id"])
    assert bytes(kept[0][0]) == hashlib.sha256(made["token"].encode()).digest()


@pytest.mark.contract("Canner", "GET /v1/tokens")
def test_tokens_are_listed_with_name_prefix_and_last_use_and_without_a_value(api: Api) -> None:
    slug = api.project("shop")
    made = mint(api, name="shop deploys", project=slug, scope="read", expires_in_days=30)
    assert api.ask("GET", "/v1/projects/shop", token=made["token"]).status == 200
    answer = api.ask("GET", "/v1/tokens")
    listed = answer.json["tokens"][0]
    assert (listed["name"], listed["prefix"], listed["scope"], listed["project"]) == ("shop deploys", made["token"][:10], "read", "shop")
    assert listed["project_id"] == api.get("/v1/projects/shop")["id"]
    assert datetime.fromisoformat(listed["last_used_at"]) > datetime.now(UTC) - timedelta(minutes=1)
    assert timedelta(days=29) < datetime.fromisoformat(listed["expires_at"]) - datetime.now(UTC) <= timedelta(days=30)
    assert listed["owner"] == "ada@example.com"
    assert b"token" not in answer.body.replace(b'"tokens"', b"")
    assert made["token"].encode() not in answer.body


@pytest.mark.contract("Canner", "DELETE /v1/tokens/{id}")
@pytest.mark.criterion("identity#revoked-at-once")
def test_the_very_next_request_with_a_deleted_token_is_401(api: Api) -> None:
    made = mint(api)
    assert api.ask("GET", "/v1/projects", token=made["token"]).status == 200
    assert api.ask("DELETE", f"/v1/tokens/{made['id']}").status == 204
    assert api.ask("GET", "/v1/projects", token=made["token"]).error == (401, "invalid_token")
    assert made["id"] not in [item["id"] for item in api.get("/v1/tokens")["tokens"]]
    assert api.ask("DELETE", f"/v1/tokens/{made['id']}").error == (404, "token_not_found")


@pytest.mark.contract("Cantila", "scopes read, deploy, admin")
def test_a_read_key_reads_a_deploy_key_posts_and_an_admin_key_keeps_keys(api: Api) -> None:
    read, deploy, admin = (mint(api, scope=scope)["token"] for scope in ("read", "deploy", "admin"))
    assert api.ask("GET", "/v1/projects", token=read).status == 200
    assert api.ask("POST", "/v1/projects", {"name": "by read"}, token=read).error == (403, "insufficient_scope")
    assert api.ask("POST", "/v1/projects", {"name": "by deploy"}, token=deploy).status == 201
    victim = mint(api)["id"]
    for token in (read, deploy):
        assert refusal(api, token) == (403, "insufficient_scope")
        assert api.ask("DELETE", f"/v1/tokens/{victim}", token=token).error == (403, "insufficient_scope")
    made = mint(api, admin, name="by admin")
    assert api.ask("DELETE", f"/v1/tokens/{victim}", token=admin).status == 204
    assert api.ask("DELETE", f"/v1/tokens/{made['id']}", token=admin).status == 204


def test_a_session_lists_and_makes_tokens_too(sign_in: SignIn) -> None:
    browser = sign_in()
    assert browser.get("/v1/tokens").status == 200
    csrf = json.loads(browser.get("/v1/auth/session").text)["csrf_token"]
    headers = {"Content-Type": "application/json", "X-CSRF-Token": csrf}
    made = browser.ask("POST", "/v1/tokens", body=b'{"name": "made in a browser"}', headers=headers)
    assert made.status == 201, made.text


@pytest.mark.parametrize(
    ("role", "scope", "allowed"),
    [("viewer", "read", True), ("viewer", "deploy", False), ("developer", "deploy", True), ("developer", "admin", False),
     ("admin", "admin", True)],
)  # fmt: skip
@pytest.mark.criterion("identity#not-above-owner")
def test_nobody_makes_a_token_wider_than_their_role(api: Api, role: Role, scope: Scope, *, allowed: bool) -> None:
    execute(api, "UPDATE members SET role = %s WHERE user_id = %s", role, api.owner.user_id)
    if allowed:
        mint(api, scope=scope)
    else:
        assert refusal(api, scope=scope) == (403, "scope_not_held")


@pytest.mark.criterion("identity#not-above-owner")
def test_a_token_loses_what_its_owner_loses(api: Api) -> None:
    made = mint(api, scope="deploy")["token"]
    execute(api, "UPDATE members SET role = 'viewer' WHERE user_id = %s", api.owner.user_id)
    assert api.ask("POST", "/v1/projects", {"name": "x"}, token=made).error == (403, "insufficient_scope")


class TestBoundToAProject:
    def test_it_sees_its_project_and_no_other(self, api: Api) -> None:
        mine, other = api.project(), api.project()
        made = mint(api, project=api.get(f"/v1/projects/{mine}")["id"])["token"]
        assert api.ask("GET", f"/v1/projects/{mine}", token=made).status == 200
        assert api.ask("GET", f"/v1/projects/{other}", token=made).error == (404, "project_not_found")

    def test_it_makes_only_tokens_for_the_same_project(self, api: Api) -> None:
        mine, other = api.project(), api.project()
        made = mint(api, project=mine, scope="admin")["token"]
        assert refusal(api, made) == (403, "scope_not_held")
        assert refusal(api, made, project=other) == (404, "project_not_found")
        assert mint(api, made, project=mine)["project"] == mine

    def test_it_lists_and_revokes_only_those_of_its_project(self, api: Api) -> None:
        slug = api.project()
        made = mint(api, name="bound", project=slug, scope="admin")
        unbound = mint(api, name="unbound")
        assert names(api.ask("GET", "/v1/tokens", token=made["token"]).json) == ["bound"]
        assert api.ask("DELETE", f"/v1/tokens/{unbound['id']}", token=made["token"]).error == (404, "token_not_found")
        assert api.ask("DELETE", f"/v1/tokens/{made['id']}", token=made["token"]).status == 204

    def test_the_project_of_somebody_else_is_unknown(self, api: Api) -> None:
        slug = api.project()
        assert refusal(api, api.somebody().tokens[Scope.ADMIN], project=slug) == (404, "project_not_found")


class TestExpiry:
    def test_what_it_makes_does_not_outlive_it(self, api: Api) -> None:
        short = mint(api, scope="admin", expires_in_days=2)
        assert mint(api, short["token"])["expires_at"] == short["expires_at"]
        assert refusal(api, short["token"], expires_in_days=3) == (403, "expiry_not_held")
        assert mint(api, short["token"], expires_in_days=1)["expires_at"] < short["expires_at"]

    def test_an_end_with_a_zone_in_the_future(self, api: Api) -> None:
        end = datetime.now(UTC) + timedelta(hours=1)
        assert datetime.fromisoformat(mint(api, expires_at=end.isoformat())["expires_at"]) == end

    @pytest.mark.parametrize(
        "fields",
        [{"expires_at": "2020-01-01T00:00:00Z"}, {"expires_at": "2090-01-01T00:00:00"},
         {"expires_at": "2090-01-01T00:00:00Z", "expires_in_days": 1}],
    )  # fmt: skip
    def test_an_end_that_cannot_be(self, api: Api, fields: dict[str, object]) -> None:
        assert refusal(api, **fields) == (400, "invalid_expiry")

    @pytest.mark.parametrize("days", [0, -1, 3651, "x", 1.5])
    def test_days_that_cannot_be(self, api: Api, days: object) -> None:
        assert refusal(api, expires_in_days=days) == (400, "validation_failed")


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "  "}, {"name": "a\0b"}, {"name": "x" * 101}, {"name": "x", "scope": "root"}, {"name": "x", "more": 1}],
)
def test_a_bad_body_names_the_field(api: Api, body: dict[str, object]) -> None:
    answer = api.ask("POST", "/v1/tokens", body)
    assert answer.error == (400, "validation_failed")
    assert answer.json["issues"][0]["path"].startswith("body.")


def test_an_unverified_address_makes_no_token(api: Api) -> None:
    execute(api, "UPDATE users SET email_verified_at = NULL WHERE id = %s", api.owner.user_id)
    assert refusal(api) == (403, "email_not_verified")


@pytest.mark.criterion("api#rows-once")
def test_pages_hold_all_tokens_once_while_more_are_made(api: Api) -> None:
    made = {mint(api, name=f"token {number}")["id"] for number in range(5)}
    seen: list[str] = []
    cursor = None
    while True:
        page = api.get(f"/v1/tokens?limit=2{f'&cursor={cursor}' if cursor else ''}")
        seen += [item["id"] for item in page["tokens"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
        mint(api, name="between")
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


def test_members_see_their_own_and_managers_see_all(api: Api) -> None:
    other = api.somebody()
    execute(
        api, "INSERT INTO members (organization_id, user_id, role) VALUES (%s, %s, 'developer')", api.owner.organization_id, other.user_id
    )
    execute(api, "UPDATE tokens SET organization_id = %s WHERE user_id = %s", api.owner.organization_id, other.user_id)
    theirs = api.ask("GET", "/v1/tokens", token=other.tokens[Scope.ADMIN]).json["tokens"]
    assert {item["owner"] for item in theirs} == {f"{other.handle}@example.com"}
    assert len(theirs) == 3
    everybodys = api.get("/v1/tokens")["tokens"]
    assert len(everybodys) == 6
    mine = next(item["id"] for item in everybodys if item["owner"] == "ada@example.com")
    assert api.ask("DELETE", f"/v1/tokens/{mine}", token=other.tokens[Scope.ADMIN]).error == (404, "token_not_found")
    assert api.ask("DELETE", f"/v1/tokens/{theirs[0]['id']}").status == 204


def test_the_token_of_another_organization_is_404(api: Api) -> None:
    made = mint(api)
    other = api.somebody().tokens[Scope.ADMIN]
    assert api.ask("DELETE", f"/v1/tokens/{made['id']}", token=other).error == (404, "token_not_found")
    assert made["id"] not in [item["id"] for item in api.ask("GET", "/v1/tokens", token=other).json["tokens"]]


def test_each_change_is_one_event_without_the_value(api: Api) -> None:
    before = execute(api, "SELECT count(*) FROM events")[0][0]
    made = mint(api, name="ci", scope="read")
    api.ask("DELETE", f"/v1/tokens/{made['id']}")
    events = execute(api, "SELECT name, payload->>'token_id', after, before FROM events ORDER BY id OFFSET %s", before)
    assert [event[:2] for event in events] == [("token.created", made["id"]), ("token.revoked", made["id"])]
    assert events[0][2]["scope"] == events[1][3]["scope"] == "read"
    assert made["token"] not in str(events)


def test_whoever_leaves_an_organization_loses_tokens_and_keys_for_good(api: Api) -> None:
    from canonry.features.tokens.jobs import revoke_all  # noqa: PLC0415

    made = mint(api)["token"]
    execute(api, "DELETE FROM members WHERE user_id = %s", api.owner.user_id)
    assert api.ask("GET", "/v1/projects", token=made).error == (401, "invalid_token")
    revoke_all(api.container, api.owner.organization_id, api.owner.user_id)
    execute(
        api, "INSERT INTO members (organization_id, user_id, role) VALUES (%s, %s, 'owner')", api.owner.organization_id, api.owner.user_id
    )
    assert api.ask("GET", "/v1/projects", token=made).error == (401, "invalid_token")
    work(api)
