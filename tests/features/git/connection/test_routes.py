"""Connecting a project to a repository: what is shown, what is kept, what is refused."""

import re
from typing import Any

import pytest

from canonry.core.access import Scope
from canonry.features import git
from tests.support.api import SITE, Api


def connect(api: Api, slug: str, repo: str = "acme/shop", **fields: object) -> dict[str, Any]:
    answer = api.ask("POST", f"/v1/projects/{slug}/git", {"repo": repo, **fields})
    assert answer.status == 201, answer.body
    return dict(answer.json)


def events(api: Api) -> list[str]:
    with api.container.transactions.begin() as tx:
        return [row[0] for row in tx.connection.execute("SELECT name FROM events ORDER BY id").fetchall()]


@pytest.mark.contract("Cantila", "POST /v1/projects/:id/git")
def test_an_address_and_owner_slash_name_both_connect_and_the_secret_is_shown_once(api: Api) -> None:
    slug = api.project("shop")
    by_name = connect(api, slug)
    assert (by_name["repo_url"], by_name["repo_branch"]) == ("https://github.com/acme/shop.git", "main")
    assert by_name["project"]["is_connected"] is True
    assert re.fullmatch(r"[0-9a-f]{64}", by_name["webhookSecret"])
    assert by_name["webhookUrl"].endswith(f"/v1/projects/{by_name['id']}/git/webhook")
    assert by_name["webhookRegistered"] is False
    by_address = connect(api, slug, "https://git.example.com/team/app.git", branch="release/1")
    assert (by_address["repo_url"], by_address["repo_branch"]) == ("https://git.example.com/team/app.git", "release/1")
    assert by_address["webhookSecret"] != by_name["webhookSecret"], "connecting again makes a new one"
    for path in (f"/v1/projects/{slug}/git", f"/v1/projects/{slug}", "/v1/projects"):
        answer = api.ask("GET", path)
        assert by_address["webhookSecret"].encode() not in answer.body
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT sealed_secret FROM git_connections").fetchone()
    assert row is not None
    assert by_address["webhookSecret"].encode() not in bytes(row[0])


def test_the_seeds_other_spellings_are_taken(api: Api) -> None:
    slug = api.project()
    answer = api.ask("POST", f"/v1/projects/{slug}/git", {"repoUrl": "https://example.com/a.git", "autoDeploy": False})
    assert (answer.status, answer.json["connection"]["autoDeploy"]) == (201, False)
    assert connect(api, slug)["connection"]["autoDeploy"] is True


@pytest.mark.contract("Cantila", "GET /v1/projects/:id/git")
def test_it_shows_repository_branch_and_webhook_and_never_the_secret(api: Api) -> None:
    slug = api.project("shop")
    nothing = api.get(f"/v1/projects/{slug}/git")
    assert (nothing["connected"], nothing["repository"], nothing["webhook"]["configured"]) == (False, None, False)
    secret = connect(api, slug, branch="trunk", token="a-token")["webhookSecret"]
    answer = api.ask("GET", f"/v1/projects/{slug}/git", token=api.owner.tokens[Scope.READ])
    shown = answer.json
    assert (shown["connected"], shown["repository"], shown["branch"]) == (True, "https://github.com/acme/shop.git", "trunk")
    assert (shown["autoDeploy"], shown["access"]) == (True, "token")
    assert (shown["webhook"]["configured"], shown["webhook"]["lastDelivery"]) == (True, None)
    assert secret.encode() not in answer.body
    assert b"a-token" not in answer.body
    with api.container.transactions.begin() as tx:
        git.note_delivery(tx, shown["webhook"]["url"].split("/")[5], "push", "a production deployment")
    delivery = api.get(f"/v1/projects/{slug}/git")["webhook"]["lastDelivery"]
    assert (delivery["event"], delivery["outcome"]) == ("push", "a production deployment")
    assert delivery["at"]


def test_a_project_of_a_repository_here_has_no_webhook_to_rotate(api: Api) -> None:
    slug = api.project()
    name = api.ask("POST", "/v1/repositories", {"name": "mono"}).json["repository"]["full_name"]
    assert api.ask("POST", f"/v1/projects/{slug}/git", {"repo": name}).status == 201
    refused = api.ask("POST", f"/v1/projects/{slug}/git/rotate-secret")
    assert (refused.error, name in refused.json["message"]) == ((409, "no_webhook"), True)


def test_a_rotated_secret_is_another_one_and_without_a_repository_there_is_none(api: Api) -> None:
    slug = api.project()
    assert api.ask("POST", f"/v1/projects/{slug}/git/rotate-secret").error == (409, "not_connected")
    first = connect(api, slug)["webhookSecret"]
    answer = api.ask("POST", f"/v1/projects/{slug}/git/rotate-secret")
    assert answer.status == 201
    assert re.fullmatch(r"[0-9a-f]{64}", answer.json["webhookSecret"])
    assert answer.json["webhookSecret"] != first
    with api.container.transactions.begin() as tx:
        found = git.webhook_secret(tx, api.container.vault, slug)
    assert found is not None
    assert found[1].reveal() == answer.json["webhookSecret"]


def test_disconnecting_forgets_everything_and_what_is_live_stays(api: Api) -> None:
    slug = api.project("shop")
    api.deploy(slug, SITE)
    connect(api, slug, token="a-token")
    for _ in range(2):  # twice is harmless
        assert api.ask("DELETE", f"/v1/projects/{slug}/git").status == 204
    assert api.get(f"/v1/projects/{slug}")["repo_url"] is None
    with api.container.transactions.begin() as tx:
        assert tx.connection.execute("SELECT count(*) FROM git_connections").fetchone() == (0,)
        assert git.webhook_secret(tx, api.container.vault, slug) is None
    assert api.edge.answer("shop.localhost").status == 200


def test_every_change_is_one_event_of_its_own_without_a_secret(api: Api) -> None:
    slug = api.project()
    before = len(events(api))
    connect(api, slug, token="a-token")
    api.ask("POST", f"/v1/projects/{slug}/git/rotate-secret")
    api.ask("DELETE", f"/v1/projects/{slug}/git")
    api.ask("DELETE", f"/v1/projects/{slug}/git")
    assert events(api)[before:] == ["git.connected", "git.secret_rotated", "git.disconnected"]
    with api.container.transactions.begin() as tx:
        assert tx.connection.execute("SELECT count(*) FROM events WHERE after::text LIKE '%a-token%'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "validation_error", "body.repo"),
        ({"repo": "nonsense"}, "invalid_repository_url", "body.repo"),
        ({"repo": "https://ada:word@example.com/a.git"}, "credential_in_url", "body.repo"),
        ({"repo": "acme/shop", "branch": "-x"}, "invalid_ref", "body.branch"),
        ({"repo": "acme/shop", "branch": "refs/tags/x"}, "invalid_ref", "body.branch"),
        ({"repo": "acme/shop", "token": " "}, "invalid_token", "body.token"),
        ({"repo": "git@github.com:acme/shop.git", "token": "x"}, "token_for_ssh", "body.token"),
        ({"repo": "acme/shop", "colour": "red"}, "validation_error", "body.colour"),
    ],
    ids=str,
)
def test_bad_input_names_the_field_and_changes_nothing(api: Api, body: dict[str, object], code: str, field: str) -> None:
    slug = api.project()
    before = api.get(f"/v1/projects/{slug}")
    answer = api.ask("POST", f"/v1/projects/{slug}/git", body)
    assert answer.error[0] == 400
    assert answer.json["error"] in {code, "invalid_request"} or code == "validation_error"
    assert field in {issue["path"] for issue in answer.json["issues"]}
    assert b"word" not in answer.body.replace(b"password", b"")
    assert api.get(f"/v1/projects/{slug}") == before
