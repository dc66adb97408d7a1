"""Who is calling, as pages and programs of Canon ask it; and who is let in below /app/{org}."""

import json

import pytest

from canonry.core.access import PERMISSIONS, Permission, Scope
from canonry.features.auth.grants.service import Grant
from tests.features.auth.test_grants import cli_session
from tests.support.api import Api
from tests.support.browser import Browser
from tests.support.signing_in import SignIn

JSON = {"Accept": "application/json"}


def join(api: Api, role: str) -> str:
    """Make another organization and the owner a member of it; return its handle."""
    other = api.somebody()
    with api.container.transactions.begin() as tx:
        tx.connection.execute(
            "INSERT INTO members (organization_id, user_id, role) VALUES (%s, %s, %s)", (other.organization_id, api.owner.user_id, role)
        )
    return other.handle


@pytest.mark.contract("Canon", "GET /app/{org}/api/session")
def test_a_session_knows_its_user_and_organizations(people: Api, sign_in: SignIn) -> None:
    other = join(people, "viewer")
    stranger = people.somebody().handle
    browser = sign_in()
    mine = json.loads(browser.get("/app/ada/api/session").text)
    assert mine["user"] == {"sub": people.owner.user_id, "email": "ada@example.com", "name": "ada", "picture": None}
    assert (mine["org"]["login"], mine["org"]["role"]) == ("ada", "owner")
    assert [org["login"] for org in mine["orgs"]] == ["ada", other]
    assert mine["permissions"] == sorted([*PERMISSIONS[Scope.ADMIN], Permission.PLATFORM_MANAGE])
    assert (mine["github_user"], mine["auth_enabled"], mine["auth_mode"], mine["feature_flags"]) == (None, True, "password", {})
    assert {"posthog_key", "posthog_host", "environment"} <= set(mine)
    theirs = json.loads(browser.get(f"/app/{other.upper()}/api/session").text)
    assert (theirs["org"]["login"], theirs["permissions"]) == (other, ["projects:read", "specs:read"])
    for word in (stranger, "nobody-there", "admin", "%00"):
        assert json.loads(browser.get(f"/app/{word}/api/session").text)["org"]["login"] == "ada"  # not adopted
    assert people.ask("GET", "/app/ada/api/session", token=None).error == (401, "unauthenticated")
    assert people.ask("GET", "/app/ada/api/session", token=None, headers={"Accept": "text/html"}).status == 401


@pytest.mark.contract("Canon", "GET /app/{org}/api/session")
def test_a_token_stays_in_its_organization_whatever_the_address_says(api: Api) -> None:
    other = join(api, "owner")
    answer = api.ask("GET", f"/app/{other}/api/session").json
    assert (answer["org"]["login"], answer["csrf_token"]) == ("ada", None)


@pytest.mark.contract("Canon", "GET /app/{org}/api/profile")
def test_the_profile_says_which_credential_was_used(people: Api, sign_in: SignIn) -> None:
    browser = sign_in()
    by_session = json.loads(browser.get("/app/Ada/api/profile").text)
    grant: Grant = cli_session(people)
    by_access = people.ask("GET", "/app/ada/api/profile", token=grant.access.reveal()).json
    by_token = people.ask("GET", "/app/ada/api/profile", token=people.owner.tokens[Scope.READ]).json
    assert [item["auth_method"] for item in (by_session, by_access, by_token)] == ["session", "jwt", "api_key"]
    assert [item["inferred_role"] for item in (by_session, by_access, by_token)] == ["owner", "owner", "viewer"]
    assert set(by_session) == {
        "sub", "email", "name", "picture", "org_login", "org_id", "permissions", "all_permissions", "permission_descriptions",
        "auth_method", "github_user", "last_login_at", "inferred_role",
    }  # fmt: skip
    assert (by_session["sub"], by_session["email"]) == (people.owner.user_id, "ada@example.com")
    assert (by_session["org_login"], by_session["org_id"]) == ("ada", people.owner.organization_id)
    assert by_session["all_permissions"] == sorted(Permission)
    assert set(by_session["permission_descriptions"]) == set(Permission)
    assert by_session["last_login_at"]
    assert by_token["permissions"] == ["projects:read", "specs:read"]
    deploying = people.ask("GET", "/app/ada/api/profile", token=people.owner.tokens[Scope.DEPLOY]).json
    assert deploying["inferred_role"] == "developer"


def test_below_app_the_credential_must_belong_to_the_organization(people: Api, sign_in: SignIn) -> None:
    other = join(people, "developer")
    stranger = people.somebody().handle
    browser = sign_in()
    assert json.loads(browser.get(f"/app/{other}/api/profile").text)["inferred_role"] == "developer"
    for credential in (people.owner.tokens[Scope.ADMIN], people.owner.tokens[Scope.READ]):
        answer = people.ask("GET", f"/app/{other}/api/profile", token=credential)
        assert answer.error == (403, "not_your_organization")
        assert answer.json["message"] == f"Not authorized for org: {other}"
    seen = browser.get(f"/app/{stranger}/api/profile", headers=JSON)
    assert (seen.status, json.loads(seen.text)["error"]) == (403, "not_your_organization")
    for reserved in ("admin", "API", "no-org", "choose-org", "setup"):
        assert people.ask("GET", f"/app/{reserved}/api/profile").error == (404, "organization_not_found")


def test_me_lists_the_memberships(people: Api, sign_in: SignIn) -> None:
    other = join(people, "viewer")
    browser: Browser = sign_in()
    for me in (json.loads(browser.get("/v1/me").text), people.get("/v1/me")):
        assert [(item["handle"], item["role"]) for item in me["memberships"]] == [("ada", "owner"), (other, "viewer")]
        assert me["account"]["handle"] == "ada"
