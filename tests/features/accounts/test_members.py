"""Members of an organization: who may change whom, and that an owner is always left."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from canonry.core.access import Role, Scope
from tests.support.api import Answer, Api, Somebody
from tests.support.people import member
from tests.support.signing_in import EMAIL, PASSWORD, SignIn, give_password

MEMBERS = "/v1/organizations/ada/members"


def set_role(api: Api, who: Somebody, role: str, by: Somebody | None = None) -> Answer:
    return api.ask("PATCH", f"{MEMBERS}/{who.user_id}", {"role": role}, token=(by or api.owner).tokens[Scope.ADMIN])


def remove(api: Api, who: Somebody, by: Somebody | None = None) -> Answer:
    return api.ask("DELETE", f"{MEMBERS}/{who.user_id}", token=(by or api.owner).tokens[Scope.ADMIN])


def roles(api: Api) -> dict[str, str]:
    return {item["email"]: item["role"] for item in api.get(MEMBERS)["members"]}


def all_at_once(*calls: Callable[[], Answer]) -> Counter[tuple[int, str]]:
    answers: list[Answer] = []
    barrier = threading.Barrier(len(calls))

    def one(call: Callable[[], Answer]) -> None:
        barrier.wait()
        answers.append(call())

    threads = [threading.Thread(target=one, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter((answer.status, answer.json.get("error", "") if answer.body else "") for answer in answers)


def test_members_are_listed_page_by_page(api: Api) -> None:
    for name in ("grace", "joan", "mary"):
        member(api, Role.VIEWER, name)
    first = api.get(f"{MEMBERS}?limit=3")
    second = api.get(f"{MEMBERS}?limit=3&cursor={first['next_cursor']}")
    listed = [item["email"] for item in first["members"] + second["members"]]
    assert sorted(listed) == ["ada@example.com", "grace@example.com", "joan@example.com", "mary@example.com"]
    assert second["next_cursor"] is None


def test_a_role_changes_at_once_and_is_one_event(api: Api) -> None:
    grace = member(api, Role.VIEWER, "grace")
    assert api.ask("POST", "/v1/projects", {"name": "x"}, token=grace.tokens[Scope.ADMIN]).error == (403, "insufficient_scope")
    answer = api.ask("PATCH", f"{MEMBERS}/Grace@example.com", {"role": "developer"})
    assert (answer.status, answer.json["member"]["role"]) == (200, "developer")
    assert api.ask("POST", "/v1/projects", {"name": "x"}, token=grace.tokens[Scope.ADMIN]).status == 201
    assert set_role(api, grace, "developer").status == 200  # nothing changes, nothing is noted
    with api.container.transactions.begin() as tx:
        found: Any = tx.connection.execute("SELECT before, after FROM events WHERE name = 'member.role_changed'").fetchall()
    assert found == [({"role": "viewer"}, {"role": "developer"})]


@pytest.mark.criterion("identity#always-owned")
def test_the_last_owner_is_neither_lowered_nor_leaves(api: Api) -> None:
    member(api, Role.ADMIN, "grace")
    assert set_role(api, api.owner, "admin").error == (409, "last_owner")
    assert remove(api, api.owner).error == (409, "last_owner")
    joan = member(api, Role.OWNER, "joan")
    assert set_role(api, api.owner, "developer").status == 200
    assert remove(api, joan, by=joan).error == (409, "last_owner")


def test_an_owner_who_is_deactivated_does_not_count(api: Api) -> None:
    joan = member(api, Role.OWNER, "joan")
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET deactivated_at = now() WHERE id = %s", (joan.user_id,))
    assert remove(api, api.owner).error == (409, "last_owner")


@pytest.mark.parametrize("attempt", range(4))
@pytest.mark.criterion("identity#always-owned")
def test_two_owners_who_leave_at_once_leave_one(api: Api, attempt: int) -> None:
    joan = member(api, Role.OWNER, f"joan{attempt}")
    outcome = all_at_once(lambda: remove(api, api.owner), lambda: remove(api, joan, by=joan))
    assert outcome == {(204, ""): 1, (409, "last_owner"): 1}


@pytest.mark.parametrize("attempt", range(4))
def test_owners_who_lower_each_other_at_once_leave_one(api: Api, attempt: int) -> None:
    others = [member(api, Role.OWNER, f"{name}{attempt}") for name in ("joan", "mary", "grace")]
    ring = [api.owner, *others]
    all_at_once(*(lambda by=by, who=who: set_role(api, who, "viewer", by=by) for by, who in zip(ring, [*ring[1:], ring[0]], strict=True)))  # type: ignore[misc]
    with api.container.transactions.begin() as tx:
        query = "SELECT count(*) FROM members WHERE organization_id = %s AND role = 'owner'"
        row = tx.connection.execute(query, (api.owner.organization_id,)).fetchone()
    assert row is not None
    assert row[0] >= 1


def test_an_admin_touches_no_owner_and_makes_none(api: Api) -> None:
    admin, developer = member(api, Role.ADMIN, "grace"), member(api, Role.DEVELOPER, "joan")
    assert set_role(api, api.owner, "viewer", by=admin).error == (403, "owner_needed")
    assert remove(api, api.owner, by=admin).error == (403, "owner_needed")
    assert set_role(api, developer, "owner", by=admin).error == (403, "owner_needed")
    assert set_role(api, admin, "owner", by=admin).error == (403, "owner_needed")
    assert set_role(api, developer, "admin", by=admin).status == 200
    assert remove(api, developer, by=admin).status == 204


@pytest.mark.parametrize("role", [Role.DEVELOPER, Role.VIEWER])
def test_others_change_nobody_but_may_leave(api: Api, role: Role) -> None:
    grace, joan = member(api, role, "grace"), member(api, role, "joan")
    assert set_role(api, joan, "viewer", by=grace).error == (403, "insufficient_scope")
    assert remove(api, joan, by=grace).error == (403, "insufficient_scope")
    read = grace.tokens[Scope.READ]
    assert api.ask("DELETE", f"{MEMBERS}/{grace.user_id}", token=read).error == (403, "insufficient_scope")
    assert remove(api, grace, by=grace).status == 204
    assert set(roles(api)) == {EMAIL, "joan@example.com"}


@pytest.mark.criterion("identity#removed-is-out")
def test_who_is_removed_is_out_at_once_with_tokens_and_sessions(api: Api, sign_in: SignIn) -> None:
    grace = member(api, Role.ADMIN, "grace")
    give_password(api, grace.user_id)
    give_password(api, api.owner.user_id)
    assert PASSWORD
    browser = sign_in("grace@example.com")
    key = api.ask("POST", "/app/ada/settings/api-keys/", {"scopes": ["specs:admin"]}, token=grace.tokens[Scope.ADMIN]).json["key"]
    assert browser.get("/app/ada/settings/api-keys/").status == 200
    assert remove(api, grace).status == 204
    assert api.ask("GET", "/v1/projects", token=grace.tokens[Scope.READ]).error == (401, "invalid_token")
    assert api.ask("GET", "/app/ada/settings/api-keys/", token=key).error == (401, "invalid_token")
    seen = browser.get("/app/ada/settings/api-keys/")
    assert (seen.status, '"not_your_organization"' in seen.text) == (403, True)
    assert browser.get("/v1/me").status == 200  # the session goes on in their own organization


@pytest.mark.parametrize("key", ["usr_0000000000000000", "nobody@example.com", "a%00b"])
def test_an_unknown_member_is_404(api: Api, key: str) -> None:
    api.somebody()
    assert api.ask("PATCH", f"{MEMBERS}/{key}", {"role": "viewer"}).error == (404, "member_not_found")
    assert api.ask("DELETE", f"{MEMBERS}/{key}").error == (404, "member_not_found")


def test_a_role_that_does_not_exist_is_400(api: Api) -> None:
    answer = api.ask("PATCH", f"{MEMBERS}/{api.owner.user_id}", {"role": "king"})
    assert answer.error == (400, "validation_failed")
    assert answer.json["issues"][0]["path"] == "body.role"
