"""Organizations over HTTP."""

from typing import Any

import pytest

from canonry.core.access import Role, Scope
from tests.support.api import Api
from tests.support.people import member
from tests.support.signing_in import SignIn


def create(api: Api, token: str = "", **fields: object) -> dict[str, Any]:
    answer = api.ask("POST", "/v1/organizations", {"name": "Acme Works", **fields}, token=token)
    assert answer.status == 201, answer.body
    return dict(answer.json["organization"])


def events(api: Api) -> list[Any]:
    with api.container.transactions.begin() as tx:
        return tx.connection.execute("SELECT name, before, after FROM events WHERE name LIKE 'organization.%' ORDER BY id").fetchall()


def test_one_is_made_with_a_handle_from_its_name_and_owned(api: Api) -> None:
    made = create(api)
    assert (made["handle"], made["name"], made["role"]) == ("acme-works", "Acme Works", "owner")
    assert create(api)["handle"].startswith("acme-works-")
    assert create(api, handle="chosen")["handle"] == "chosen"
    assert events(api)[0] == ("organization.created", None, {"handle": "acme-works", "name": "Acme Works"})


@pytest.mark.parametrize(
    ("fields", "error"),
    [({"handle": "ada"}, (409, "handle_taken")), ({"handle": "admin"}, (409, "handle_reserved")),
     ({"handle": "ADA"}, (400, "invalid_handle")),
     ({"handle": "a\0b"}, (400, "invalid_handle")), ({"name": ""}, (400, "validation_failed")), ({"name": "   "}, (400, "invalid_name")),
     ({"owner": "x"}, (400, "validation_failed"))],
)  # fmt: skip
def test_what_cannot_be_is_refused(api: Api, fields: dict[str, str], error: tuple[int, str]) -> None:
    assert api.ask("POST", "/v1/organizations", {"name": "x", **fields}).error == error


def test_a_token_knows_its_own_and_a_session_all(api: Api, sign_in: SignIn) -> None:
    create(api, handle="second")
    listed = api.get("/v1/organizations")
    assert [item["handle"] for item in listed["organizations"]] == ["ada"]
    assert '"second"' in sign_in().get("/v1/organizations").text
    assert api.ask("GET", "/v1/organizations/second").error == (404, "organization_not_found")


@pytest.mark.parametrize("key", ["ada", "ADA", "@ada", "id"])
def test_it_is_found_by_handle_or_id(api: Api, key: str) -> None:
    key = api.owner.organization_id if key == "id" else key
    assert api.get(f"/v1/organizations/{key}")["organization"]["handle"] == "ada"


def test_that_of_somebody_else_is_404(api: Api) -> None:
    other = api.somebody()
    for key in (other.handle, other.organization_id, "nobody", "a%00b"):
        assert api.ask("GET", f"/v1/organizations/{key}").error == (404, "organization_not_found")
        assert api.ask("PATCH", f"/v1/organizations/{key}", {"name": "x"}).error == (404, "organization_not_found")


def test_name_and_handle_change(api: Api) -> None:
    changed = api.ask("PATCH", "/v1/organizations/ada", {"name": " The  Adas ", "handle": "adas"}).json["organization"]
    assert (changed["name"], changed["handle"]) == ("The Adas", "adas")
    assert api.get("/v1/me")["account"]["handle"] == "adas"
    assert events(api) == [("organization.changed", {"name": "ada", "handle": "ada"}, {"name": "The Adas", "handle": "adas"})]
    assert api.ask("PATCH", "/v1/organizations/adas", {}).status == 200
    assert api.ask("PATCH", "/v1/organizations/adas", {"handle": api.somebody().handle}).error == (409, "handle_taken")
    assert len(events(api)) == 1


def test_an_admin_changes_the_name_and_not_the_handle(api: Api) -> None:
    admin = member(api, Role.ADMIN, "grace").tokens[Scope.ADMIN]
    assert api.ask("PATCH", "/v1/organizations/ada", {"name": "x"}, token=admin).status == 200
    assert api.ask("PATCH", "/v1/organizations/ada", {"handle": "xyz"}, token=admin).error == (403, "owner_needed")
    developer = member(api, Role.DEVELOPER, "joan").tokens[Scope.ADMIN]
    assert api.ask("PATCH", "/v1/organizations/ada", {"name": "y"}, token=developer).error == (403, "insufficient_scope")


def test_it_takes_a_whole_person_with_a_verified_address(api: Api) -> None:
    assert api.ask("POST", "/v1/organizations", {"name": "x"}, token=api.owner.tokens[Scope.DEPLOY]).error == (403, "insufficient_scope")
    bound = api.ask("POST", "/v1/tokens", {"name": "b", "scope": "admin", "project": api.project()}).json["token"]
    assert api.ask("POST", "/v1/organizations", {"name": "x"}, token=bound).error == (403, "insufficient_scope")
    assert api.ask("PATCH", "/v1/organizations/ada", {"name": "x"}, token=bound).error == (403, "insufficient_scope")
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET email_verified_at = NULL")
    assert api.ask("POST", "/v1/organizations", {"name": "x"}).error == (403, "email_not_verified")


def test_one_without_projects_is_deleted_and_lets_nobody_in_any_more(api: Api, sign_in: SignIn) -> None:
    session = sign_in()
    grace = member(api, Role.DEVELOPER, "grace")
    assert api.ask("DELETE", "/v1/organizations/ada").error == (409, "last_organization")
    create(api, handle="second")
    assert api.ask("DELETE", "/v1/organizations/ada", token=grace.tokens[Scope.ADMIN]).error == (403, "insufficient_scope")
    admin = member(api, Role.ADMIN, "joan")
    assert api.ask("DELETE", "/v1/organizations/ada", token=admin.tokens[Scope.ADMIN]).error == (403, "owner_needed")
    assert api.ask("DELETE", "/v1/organizations/second").error == (404, "organization_not_found")
    assert api.ask("DELETE", "/v1/organizations/ada").status == 204
    for token in (api.owner.tokens[Scope.ADMIN], grace.tokens[Scope.READ]):
        assert api.ask("GET", "/v1/me", token=token).status == 401
    assert '"second"' in session.get("/v1/organizations").text
    assert '"ada"' not in session.get("/v1/organizations").text
    assert events(api)[-1] == ("organization.deleted", {"handle": "ada", "name": "ada"}, None)


def test_one_that_has_something_stays(api: Api) -> None:
    create(api, handle="second")
    slug = api.project("shop")
    found = api.ask("DELETE", "/v1/organizations/ada")
    assert (found.error, "1 projects" in found.json["message"]) == ((409, "organization_in_use"), True)
    assert api.ask("DELETE", f"/v1/projects/{slug}").status in {200, 204}
    assert api.ask("POST", "/v1/repositories", {"name": "handbook"}).status == 201
    assert api.ask("DELETE", "/v1/organizations/ada").error == (409, "organization_in_use")
    assert api.ask("GET", "/v1/me").status == 200
