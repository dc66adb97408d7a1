"""Keys (`sw_`) of a person in an organization."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from canonry.core.access import Scope
from tests.support.api import Answer, Api
from tests.support.signing_in import SignIn

PLACE = "/app/ada/settings/api-keys/"


def mint(api: Api, token: str = "", **fields: object) -> dict[str, Any]:
    answer = api.ask("POST", PLACE, fields, token=token)
    assert answer.status == 201, answer.body
    return dict(answer.json)


def execute(api: Api, query: str, *values: object) -> list[Any]:
    with api.container.transactions.begin() as tx:
        cursor = tx.connection.execute(query.encode(), values)
        return cursor.fetchall() if cursor.description else []


def use(api: Api, key: str) -> Answer:
    """Ask for something that a key with specs:admin may have."""
    return api.ask("GET", PLACE, token=key)


@pytest.mark.contract("Canon", "POST /app/{org}/settings/api-keys/")
class TestMake:
    def test_a_key_is_shown_once_and_kept_as_a_hash(self, api: Api) -> None:
        made = mint(api, label="laptop")
        assert made["key"].startswith("sw_")
        assert len(base64.urlsafe_b64decode(made["key"][3:] + "=")) == 32
        assert "=" not in made["key"]
        assert (made["label"], made["scopes"], made["expires_at"]) == ("laptop", ["specs:read"], None)
        assert isinstance(made["id"], int)
        assert made["key"] not in str(execute(api, "SELECT * FROM keys")) + str(execute(api, "SELECT * FROM events"))
        assert bytes(execute(api, "SELECT sha256 FROM keys")[0][0]) == hashlib.sha256(made["key"].encode()).digest()

    def test_it_has_the_scopes_it_was_made_with(self, api: Api) -> None:
        made = mint(api, scopes=["specs:admin", "specs:read", "specs:admin"])
        assert made["scopes"] == ["specs:admin", "specs:read"]
        assert use(api, made["key"]).status == 200
        assert use(api, mint(api)["key"]).error == (403, "insufficient_scope")

    def test_a_scope_that_is_not_held_is_403(self, api: Api) -> None:
        admin = mint(api, scopes=["specs:admin"])["key"]
        assert api.ask("POST", PLACE, {"scopes": ["specs:admin", "org:manage"]}, token=admin).error == (403, "scope_not_held")

    @pytest.mark.parametrize("scope", ["specs:everything", "projects:read", "platform:manage", ""])
    def test_a_scope_that_does_not_exist_is_400(self, api: Api, scope: str) -> None:
        assert api.ask("POST", PLACE, {"scopes": ["specs:read", scope]}).error == (400, "unknown_scope")

    @pytest.mark.parametrize("days", [0, 366, -1, "x"])
    def test_0_and_366_days_are_422(self, api: Api, days: object) -> None:
        answer = api.ask("POST", PLACE, {"expires_in_days": days})
        assert answer.error == (422, "validation_failed")
        assert answer.json["issues"][0]["path"] == "body.expires_in_days"

    @pytest.mark.parametrize("days", [1, 365, None])
    def test_1_to_365_days_or_for_ever(self, api: Api, days: int | None) -> None:
        end = mint(api, expires_in_days=days)["expires_at"]
        if days is None:
            assert end is None
        else:
            assert timedelta(days=days - 1) < datetime.fromisoformat(end) - datetime.now(UTC) <= timedelta(days=days)

    @pytest.mark.parametrize("body", [{"scopes": []}, {"scopes": "specs:read"}, {"label": "a\0"}, {"label": "x" * 101}])
    def test_other_faults_are_422_and_nothing_is_made(self, api: Api, body: dict[str, object]) -> None:
        assert api.ask("POST", PLACE, body).error == (422, "validation_failed")
        assert execute(api, "SELECT * FROM keys") == []


@pytest.mark.contract("Canon", "GET /app/{org}/settings/api-keys/")
def test_only_the_callers_keys_in_this_organization_are_listed_without_values(api: Api) -> None:
    mine = [mint(api, label=label) for label in ("first", "second")]
    other = api.somebody()
    execute(api, "INSERT INTO members (organization_id, user_id, role) VALUES (%s, %s, 'admin')", api.owner.organization_id, other.user_id)
    theirs = api.ask("POST", f"/app/{other.handle}/settings/api-keys/", {"label": "theirs"}, token=other.tokens[Scope.ADMIN])
    assert theirs.status == 201
    execute(api, "UPDATE tokens SET organization_id = %s WHERE user_id = %s", api.owner.organization_id, other.user_id)
    answer = api.ask("GET", "/app/ADA/settings/api-keys/")
    assert [(key["id"], key["label"]) for key in answer.json["keys"]] == [(key["id"], key["label"]) for key in reversed(mine)]
    assert all(key["key"].encode() not in answer.body for key in mine)
    assert api.ask("GET", PLACE, token=other.tokens[Scope.ADMIN]).json == {"keys": []}


@pytest.mark.contract("Canon", "DELETE /app/{org}/settings/api-keys/{key_id}")
@pytest.mark.criterion("identity#revoked-at-once")
def test_a_deleted_key_is_401_and_twice_or_anothers_is_404(api: Api) -> None:
    made = mint(api, scopes=["specs:admin"])
    assert use(api, made["key"]).status == 200
    answer = api.ask("DELETE", f"{PLACE}{made['id']}")
    assert (answer.status, answer.json) == (200, {"ok": True})
    assert use(api, made["key"]).error == (401, "invalid_token")
    assert api.ask("DELETE", f"{PLACE}{made['id']}").error == (404, "key_not_found")
    other = api.somebody()
    kept = mint(api)["id"]
    assert api.ask("DELETE", f"/app/{other.handle}/settings/api-keys/{kept}", token=other.tokens[Scope.ADMIN]).error == (
        404,
        "key_not_found",
    )
    assert api.ask("DELETE", f"{PLACE}{kept}").status == 200
    assert api.ask("DELETE", f"{PLACE}99").error == (404, "key_not_found")
    assert api.ask("DELETE", f"{PLACE}abc").error == (422, "validation_failed")
    assert api.ask("DELETE", f"{PLACE}{10**30}").error == (422, "validation_failed")


def test_a_key_ends_when_it_expires(api: Api) -> None:
    made = mint(api, scopes=["specs:admin"], expires_in_days=1)
    execute(api, "UPDATE keys SET expires_at = now() - interval '1 second'")
    assert use(api, made["key"]).error == (401, "invalid_token")


def test_a_key_of_somebody_deactivated_is_403_and_of_no_member_401(api: Api) -> None:
    made = mint(api, scopes=["specs:admin"])
    execute(api, "UPDATE users SET deactivated_at = now()")
    assert use(api, made["key"]).error == (403, "account_deactivated")
    execute(api, "UPDATE users SET deactivated_at = NULL")
    execute(api, "DELETE FROM members")
    assert use(api, made["key"]).error == (401, "invalid_token")


def test_a_key_loses_what_its_owner_loses(api: Api) -> None:
    made = mint(api, scopes=["specs:admin"])
    execute(api, "UPDATE members SET role = 'developer'")
    assert use(api, made["key"]).error == (403, "insufficient_scope")


def test_last_use_is_written_at_most_every_five_minutes(api: Api) -> None:
    made = mint(api, scopes=["specs:admin"])

    def used_at() -> datetime | None:
        (row,) = execute(api, "SELECT last_used_at FROM keys")
        found: datetime | None = row[0]
        return found

    assert used_at() is None
    use(api, made["key"])
    first = used_at()
    use(api, made["key"])
    assert first is not None
    assert used_at() == first
    execute(api, "UPDATE keys SET last_used_at = now() - interval '4 minutes 50 seconds'")
    before = used_at()
    use(api, made["key"])
    assert used_at() == before
    execute(api, "UPDATE keys SET last_used_at = now() - interval '5 minutes 1 second'")
    use(api, made["key"])
    assert used_at() != before


def test_a_key_works_in_its_organization_only_and_touches_no_projects(api: Api) -> None:
    made = mint(api, scopes=["specs:admin", "org:manage"])["key"]
    other = api.somebody()
    assert api.ask("GET", f"/app/{other.handle}/settings/api-keys/", token=made).error == (403, "not_your_organization")
    assert api.ask("GET", "/v1/projects", token=made).error == (403, "insufficient_scope")
    assert api.ask("POST", "/v1/tokens", {"name": "x"}, token=made).error == (403, "insufficient_scope")


def test_a_token_bound_to_a_project_makes_no_keys(api: Api) -> None:
    bound = api.ask("POST", "/v1/tokens", {"name": "b", "scope": "admin", "project": api.project()}).json["token"]
    assert api.ask("POST", PLACE, {}, token=bound).error == (403, "insufficient_scope")
    assert api.ask("GET", PLACE, token=bound).error == (403, "insufficient_scope")


def test_a_session_makes_keys_too(sign_in: SignIn) -> None:
    assert sign_in().get(PLACE, headers={"Accept": "application/json"}).status == 200


@pytest.mark.parametrize("scope", [Scope.READ, Scope.DEPLOY])
def test_it_takes_specs_admin(api: Api, scope: Scope) -> None:
    for method, path in (("GET", PLACE), ("POST", PLACE), ("DELETE", f"{PLACE}1")):
        assert api.ask(method, path, {} if method == "POST" else None, token=api.owner.tokens[scope]).error == (403, "insufficient_scope")
