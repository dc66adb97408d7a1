"""Invitations: bound to an address, accepted once."""

import threading
from typing import Any

import pytest

from canonry.core.access import Role, Scope
from tests.support.api import Answer, Api, Somebody
from tests.support.mail import secret_in, take, waiting
from tests.support.people import member

INVITATIONS = "/v1/organizations/ada/invitations"
NEW = "new@example.com"


def invite(api: Api, email: str = NEW, role: str = "developer", by: Somebody | None = None) -> Answer:
    return api.ask("POST", INVITATIONS, {"email": email, "role": role}, token=(by or api.owner).tokens[Scope.ADMIN])


def accept(api: Api, secret: str, who: Somebody) -> Answer:
    return api.ask("POST", "/v1/invitations/accept", {"token": secret}, token=who.tokens[Scope.ADMIN])


def register(api: Api, secret: str, email: str = NEW, **more: str) -> Answer:
    body = {"email": email, "password": "correct horse battery", "invitation": secret, **more}
    return api.ask("POST", "/v1/auth/register", body, token=None)


def test_whether_the_mail_leaves_is_said(api: Api) -> None:
    answer = api.ask("POST", INVITATIONS, {"email": "somebody@example.com", "role": "viewer"})
    assert (answer.status, answer.json["mail_goes_out"]) == (201, False)


def roles(api: Api) -> dict[str, str]:
    return {item["email"]: item["role"] for item in api.get("/v1/organizations/ada/members")["members"]}


def names(api: Api) -> list[Any]:
    with api.container.transactions.begin() as tx:
        query = "SELECT name FROM events WHERE name LIKE 'invitation.%' OR name LIKE 'member.%' ORDER BY id"
        return [row[0] for row in tx.connection.execute(query).fetchall()]


def test_whoever_has_an_account_accepts_with_the_secret_of_the_mail(api: Api) -> None:
    other = api.somebody()
    answer = invite(api, f"{other.handle}@Example.com", "viewer")
    assert answer.status == 201
    waits = answer.json["invitation"]
    assert (waits["email"], waits["role"], waits["invited_by"]) == (f"{other.handle}@example.com", "viewer", "ada")
    mail = take(api.container, waits["email"])
    secret = secret_in(mail)
    assert "http://localhost:8080/auth/invitation?token=" in mail.text
    assert secret.encode() not in answer.body + api.ask("GET", INVITATIONS).body
    joined = accept(api, secret, other)
    assert (joined.status, joined.json["organization"]["handle"], joined.json["role"]) == (200, "ada", "viewer")
    assert roles(api)[waits["email"]] == "viewer"
    assert accept(api, secret, other).error == (400, "invalid_invitation")
    assert api.get(INVITATIONS)["invitations"] == []
    assert names(api) == ["invitation.sent", "member.added"]


def test_whoever_has_none_registers_with_it_though_registration_is_closed(api: Api) -> None:
    invite(api)
    secret = secret_in(take(api.container, NEW))
    answer = register(api, secret, name="New")
    assert (answer.status, answer.json["status"]) == (202, "registered")
    assert roles(api)[NEW] == "developer"
    assert waiting(api.container) == []
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT email_verified_at FROM users WHERE email = %s", (NEW,)).fetchone()
    assert row is not None
    assert row[0] is not None
    assert register(api, secret).error == (400, "invalid_invitation")


def test_it_is_for_one_address_only(api: Api) -> None:
    invite(api)
    secret = secret_in(take(api.container, NEW))
    assert accept(api, secret, api.somebody()).error == (403, "invitation_for_another")
    assert register(api, secret, "eve@example.com").error == (403, "invitation_for_another")
    assert set(roles(api)) == {"ada@example.com"}
    assert register(api, secret).status == 202


def test_a_refused_registration_leaves_it_good(api: Api) -> None:
    invite(api)
    secret = secret_in(take(api.container, NEW))
    assert register(api, secret, password="short").error == (400, "weak_password")
    assert register(api, secret, handle="ada").error == (409, "handle_taken")
    assert register(api, secret, handle="newcomers").status == 202


def test_of_many_who_accept_at_once_one_does(api: Api) -> None:
    other = api.somebody()
    invite(api, f"{other.handle}@example.com")
    secret = secret_in(take(api.container, f"{other.handle}@example.com"))
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(accept(api, secret, other).status)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 400, 409}


def test_a_second_invitation_takes_the_place_of_the_first(api: Api) -> None:
    invite(api, role="viewer")
    first = secret_in(take(api.container, NEW))
    invite(api, role="admin")
    second = secret_in(take(api.container, NEW))
    assert len(api.get(INVITATIONS)["invitations"]) == 1
    assert register(api, first).error == (400, "invalid_invitation")
    register(api, second)
    assert roles(api)[NEW] == "admin"


def test_one_that_is_withdrawn_or_old_is_good_for_nothing(api: Api) -> None:
    waits = invite(api).json["invitation"]
    secret = secret_in(take(api.container, NEW))
    assert api.ask("DELETE", f"{INVITATIONS}/{waits['id']}").status == 204
    assert register(api, secret).error == (400, "invalid_invitation")
    assert api.ask("DELETE", f"{INVITATIONS}/{waits['id']}").error == (404, "invitation_not_found")
    invite(api)
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE invitations SET expires_at = expires_at - interval '7 days'")
    assert register(api, secret_in(take(api.container, NEW))).error == (400, "invalid_invitation")
    assert api.get(INVITATIONS)["invitations"] == []


def test_a_member_is_not_invited_again(api: Api) -> None:
    assert invite(api, "ada@example.com").error == (409, "already_member")


def test_an_admin_invites_no_owner_and_others_nobody(api: Api) -> None:
    admin, developer = member(api, Role.ADMIN, "grace"), member(api, Role.DEVELOPER, "joan")
    assert invite(api, role="owner", by=admin).error == (403, "owner_needed")
    assert invite(api, role="admin", by=admin).status == 201
    assert invite(api, by=developer).error == (403, "insufficient_scope")
    assert api.ask("GET", INVITATIONS, token=developer.tokens[Scope.ADMIN]).error == (403, "insufficient_scope")
    owners = invite(api, "boss@example.com", "owner").json["invitation"]["id"]
    assert api.ask("DELETE", f"{INVITATIONS}/{owners}", token=admin.tokens[Scope.ADMIN]).error == (403, "owner_needed")


def test_invitations_are_listed_page_by_page(api: Api) -> None:
    for number in range(3):
        invite(api, f"new{number}@example.com")
    first = api.get(f"{INVITATIONS}?limit=2")
    second = api.get(f"{INVITATIONS}?limit=2&cursor={first['next_cursor']}")
    assert [item["email"] for item in first["invitations"] + second["invitations"]] == [f"new{n}@example.com" for n in (2, 1, 0)]


@pytest.mark.parametrize("email", ["nobody", "a@b@c", "a@b.c\r\nBcc: d@e.f"])
def test_a_bad_address_is_named(api: Api, email: str) -> None:
    answer = invite(api, email)
    assert answer.error == (400, "invalid_email")
    assert answer.json["issues"][0]["path"] == "body.email"


def test_names_in_a_mail_stay_on_their_line(api: Api) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET name = E'Eve\n\nhttp://evil.example.com/?token=x'")
    invite(api)
    mail = take(api.container, NEW)
    assert "\n" not in mail.subject
    assert len([line for line in mail.text.splitlines() if line.startswith("http")]) == 1


def test_fifty_a_day_are_the_most(api: Api) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE attempts SET count = 50")
    invite(api, "first@example.com")
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE attempts SET count = 50 WHERE key LIKE 'invite %'")
    assert invite(api).error == (429, "too_many_attempts")
    assert waiting(api.container, NEW) == []


@pytest.mark.parametrize("how", ["removed", "lowered"])
def test_what_somebody_sent_counts_no_more_when_they_are_gone_or_may_send_none(api: Api, how: str) -> None:
    grace = member(api, Role.ADMIN, "grace")
    invite(api, "grace.again@example.com", "admin", by=grace)
    invite(api, "of.ada@example.com")
    secret = secret_in(take(api.container, "grace.again@example.com"))
    address = f"/v1/organizations/ada/members/{grace.user_id}"
    answer = api.ask("DELETE", address) if how == "removed" else api.ask("PATCH", address, {"role": "developer"})
    assert answer.status in {200, 204}
    assert register(api, secret, "grace.again@example.com").error == (400, "invalid_invitation")
    assert [item["email"] for item in api.get(INVITATIONS)["invitations"]] == ["of.ada@example.com"]
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT before FROM events WHERE name LIKE 'member.%%' ORDER BY id DESC LIMIT 1").fetchone()
    assert row is not None
    assert row[0]["invitations"] == ["grace.again@example.com"]


def test_a_token_of_one_project_sees_neither_members_nor_invitations(api: Api) -> None:
    bound = api.ask("POST", "/v1/tokens", {"name": "ci", "scope": "admin", "project": api.project()}).json["token"]
    for path in (INVITATIONS, "/v1/organizations/ada/members"):
        assert api.ask("GET", path, token=bound).error == (403, "insufficient_scope")
