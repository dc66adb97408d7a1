"""The host of a repository sees what becomes of its commits; and whatever it does, deployments go on."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from canonry.adapters.git_host.memory import MemoryGitHost
from canonry.core.access import Scope
from canonry.core.errors import CanonryError, Unavailable
from canonry.core.secret import Secret
from canonry.features.auth.github import service as identities
from canonry.features.auth.github.client import GitHubAccount
from canonry.features.deployments import pipeline
from canonry.features.previews.reporting import jobs
from tests.features.previews.conftest import branch
from tests.support.api import Api, Somebody, serving
from tests.support.git import Person
from tests.support.webhooks import Host, connected


class HostOfFiles(MemoryGitHost):
    """Takes repositories on this disk for its own: they can really be fetched."""

    def repository_at(self, url: str) -> str | None:
        return "acme/shop" if url.startswith("file://") else None


@pytest.fixture
def github() -> HostOfFiles:
    return HostOfFiles(app=True)


@pytest.fixture
def hosted(api: Api, github: HostOfFiles) -> Iterator[Api]:
    with serving(api.container, git_host=github) as made:
        link(made, made.owner, github)
        yield made


def link(api: Api, person: Somebody, github: HostOfFiles, *repositories: str) -> None:
    """Link a person to an account at the host, which may push to these repositories (without any: to the project's own)."""
    token = f"gho_{person.user_id}"
    github.pushers[token] = set(repositories or ("acme/shop",))
    with api.container.transactions.begin() as tx:
        identities.link(tx, api.container.vault, person.actor(), GitHubAccount("1", "ada", "Ada"), Secret(token))


@pytest.fixture
def shop(hosted: Api, ada: Person) -> Host:
    return connected(hosted, hosted.project("shop"), ada.url)


def run(api: Api, name: str, function: Any) -> list[CanonryError]:  # noqa: ANN401 -- any job
    """Do the waiting jobs of one name, as the worker would; return what they raised."""
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute("DELETE FROM procrastinate_jobs WHERE task_name = %s RETURNING args", (name,)).fetchall()
    raised = []
    for row in rows:
        try:
            function(api.container, **row[0])
        except CanonryError as error:
            raised.append(error)
    return raised


def report(api: Api) -> list[CanonryError]:
    return run(api, "git.report", jobs.report_deployment) + run(api, "git.report_closed", jobs.report_closed)


def deploy(api: Api) -> None:
    run(api, "deployments.run", pipeline.run)


def states(github: MemoryGitHost, commit: str) -> dict[str, str]:
    return {context: str(told.state) for (_, sha, context), told in github.statuses.items() if sha == commit}


def told(github: MemoryGitHost) -> list[tuple[str, list[str]]]:
    return [(rows[0].environment, [str(row.state) for row in rows[1:]]) for rows in github.deployments.values()]


def test_a_deployment_is_pending_and_then_a_success_with_its_address(hosted: Api, shop: Host, github: HostOfFiles, ada: Person) -> None:
    commit = ada.head()
    shop.push("main", commit)
    assert report(hosted) == []
    assert states(github, commit) == {"canonry/shop": "pending"}
    deploy(hosted)
    assert report(hosted) == []
    assert states(github, commit) == {"canonry/shop": "success"}
    assert github.statuses["acme/shop", commit, "canonry/shop"].url.startswith("http://shop.localhost")
    assert told(github) == [("shop production", ["pending", "success"])]


def test_a_failed_one_is_a_failure_with_the_reason(hosted: Api, shop: Host, github: HostOfFiles, ada: Person) -> None:
    (ada.tree / "index.html").unlink()
    commit = ada.commit({"nothing.txt": ""})
    shop.push("main", commit)
    deploy(hosted)
    report(hosted)
    assert states(github, commit) == {"canonry/shop": "failure"}
    assert github.statuses["acme/shop", commit, "canonry/shop"].description != "The deployment failed."


def test_a_preview_has_a_context_and_an_environment_of_its_own_and_ends_inactive(
    hosted: Api, shop: Host, github: HostOfFiles, ada: Person
) -> None:
    commit = branch(ada, "next", "<p>next</p>")
    shop.push("next", commit)
    deploy(hosted)
    report(hosted)
    assert states(github, commit) == {"canonry/shop (preview)": "success"}
    assert github.deployments["1"][0].is_preview
    made = hosted.get("/v1/projects/shop/previews")["previews"][0]["id"]
    assert hosted.ask("DELETE", f"/v1/projects/shop/previews/{made}").status == 204
    report(hosted)
    assert told(github) == [("shop preview/next", ["success", "inactive"])]
    assert states(github, commit) == {"canonry/shop (preview)": "success"}


def test_one_that_gave_its_place_to_a_newer_one_does_not_stay_pending(hosted: Api, shop: Host, github: HostOfFiles, ada: Person) -> None:
    first = ada.head()
    shop.push("main", first)
    report(hosted)
    shop.push("main", ada.commit({"index.html": "two"}))
    deploy(hosted)
    report(hosted)
    assert states(github, first) == {"canonry/shop": "error"}
    assert str(github.statuses["acme/shop", first, "canonry/shop"].description).startswith("The newer deployment")


def test_a_host_that_fails_never_fails_a_deployment_and_is_told_later(hosted: Api, shop: Host, github: HostOfFiles, ada: Person) -> None:
    github.fault = Unavailable("git_host_unreachable", "down")
    commit = ada.head()
    deploy_id = shop.push("main", commit).json["deployId"]
    assert [error.code for error in report(hosted)] == ["git_host_unreachable"]
    deploy(hosted)
    assert hosted.deployment(deploy_id)["status"] == "live"
    github.fault = None
    jobs.report_deployment(hosted.container, "", "", deploy_id)
    jobs.report_deployment(hosted.container, "", "", deploy_id)  # a job may run twice
    assert states(github, commit) == {"canonry/shop": "success"}
    assert told(github) == [("shop production", ["success"])]


def test_without_a_token_or_an_app_and_for_other_hosts_nothing_is_told(hosted: Api, shop: Host, github: HostOfFiles, ada: Person) -> None:
    github.app = False
    shop.push("main", ada.head())
    assert report(hosted) == []
    assert (github.statuses, github.deployments) == ({}, {})
    bare = replace(hosted.container, ports=replace(hosted.container.ports, git_host=None))
    jobs.report_deployment(bare, "", "", hosted.deployments("shop")[0]["id"])


def test_the_webhook_is_set_up_at_the_host_and_changed_with_the_secret(hosted: Api, github: HostOfFiles, ada: Person) -> None:
    slug = hosted.project("shop")
    answer = hosted.ask("POST", f"/v1/projects/{slug}/git", {"repo": ada.url}).json
    assert (answer["webhookRegistered"], answer["webhookRegistrationError"]) == (True, None)
    assert {key[1]: value.reveal() for key, value in github.webhooks.items()} == {answer["webhookUrl"]: answer["webhookSecret"]}
    rotated = hosted.ask("POST", f"/v1/projects/{slug}/git/rotate-secret").json
    assert rotated["webhookRegistered"] is True
    assert [value.reveal() for value in github.webhooks.values()] == [rotated["webhookSecret"]]
    github.fault = Unavailable("git_host_unreachable", "GitHub could not be reached.")
    answer = hosted.ask("POST", f"/v1/projects/{slug}/git", {"repo": ada.url})
    assert (answer.status, answer.json["webhookRegistered"]) == (201, False)
    assert answer.json["webhookRegistrationError"] == "GitHub could not be reached."


def connect(api: Api, person: Somebody, slug: str, url: str) -> dict[str, Any]:
    token = person.tokens[Scope.ADMIN]
    assert api.ask("POST", "/v1/projects", {"name": slug, "slug": slug}, token=token).status == 201
    answer = api.ask("POST", f"/v1/projects/{slug}/git", {"repo": url}, token=token)
    assert answer.status == 201, answer.body
    return dict(answer.json)


@pytest.mark.parametrize("linked", [False, True])
def test_the_app_does_nothing_for_somebody_who_may_not_push_there(hosted: Api, github: HostOfFiles, ada: Person, linked: bool) -> None:
    """The app is installed at acme/shop for Ada; Mallory, of another organization, connects a project to it."""
    mallory = hosted.somebody()
    if linked:
        link(hosted, mallory, github, "mallory/own")
    answer = connect(hosted, mallory, "mine", ada.url)
    assert answer["webhookRegistered"] is False
    assert ("may not push to acme/shop" if linked else "link your GitHub account") in answer["webhookRegistrationError"]
    assert hosted.ask("POST", "/v1/projects/mine/deploy", {}, token=mallory.tokens[Scope.ADMIN]).status == 202
    deploy(hosted)
    report(hosted)
    assert (github.webhooks, github.statuses, github.deployments) == ({}, {}, {})


def test_a_project_that_only_names_the_address_is_not_covered_by_what_was_shown_for_another(
    hosted: Api, github: HostOfFiles, ada: Person
) -> None:
    slug = hosted.project("shop")
    hosted.ask("POST", f"/v1/projects/{slug}/git", {"repo": ada.url})
    assert github.webhooks
    other = hosted.project("other", repo_url=ada.url)
    assert hosted.ask("POST", f"/v1/projects/{other}/deploy", {}).status == 202
    deploy(hosted)
    report(hosted)
    assert github.statuses == {}


def test_after_a_right_is_shown_another_connection_has_to_show_it_again(hosted: Api, github: HostOfFiles, ada: Person) -> None:
    slug = hosted.project("shop")
    assert hosted.ask("POST", f"/v1/projects/{slug}/git", {"repo": ada.url}).json["webhookRegistered"] is True
    github.pushers.clear()
    assert hosted.ask("POST", f"/v1/projects/{slug}/git", {"repo": ada.url}).json["webhookRegistered"] is False
    assert hosted.ask("POST", f"/v1/projects/{slug}/deploy", {}).status == 202
    deploy(hosted)
    report(hosted)
    assert github.statuses == {}
