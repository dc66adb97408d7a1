"""Mails about failed deploys: to whom, with what, and how many."""

import json

import pytest

from canonry.core.access import Role, Scope
from canonry.core.mail import Mail
from canonry.features import deployments
from canonry.features.notifications import Digest, service, store
from canonry.features.tokens import create_token
from canonry.wiring.jobs import tasks
from tests.support.api import SITE, Api
from tests.support.between import once_after
from tests.support.mail import waiting

BROKEN = {"nothing.txt": "to run"}


def work(api: Api) -> None:
    """Carry out the jobs that listen to events, as the worker would."""
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute(
            "DELETE FROM procrastinate_jobs WHERE task_name LIKE 'notifications.%' RETURNING task_name, args"
        ).fetchall()
    known = tasks(api.container)
    for name, arguments in rows:
        known[name](**arguments)


def mails(api: Api) -> list[Mail]:
    return waiting(api.container)


def execute(api: Api, query: str) -> None:
    with api.container.transactions.begin() as tx:
        tx.connection.execute(query.encode())


def member(api: Api, role: Role) -> tuple[str, str]:
    """Make a further member; return their address and a token of scope admin."""
    other = api.somebody()
    with api.container.transactions.begin() as tx:
        tx.connection.execute(
            "INSERT INTO members (organization_id, user_id, role) VALUES (%s, %s, %s)", (api.owner.organization_id, other.user_id, role)
        )
        token = create_token(tx, organization_id=api.owner.organization_id, user_id=other.user_id, name="t", scope=Scope.ADMIN)
    return f"{other.handle}@example.com", token.reveal()


def fail(api: Api, slug: str, token: str = "") -> str:
    """Let a deployment fail and return its id."""
    deployment = api.upload(slug, BROKEN, token=token).json["deployment"]["id"]
    api.work(slug)
    assert api.deployment(deployment)["status"] == "failed"
    return str(deployment)


@pytest.mark.criterion("operating#failure-told")
def test_the_owner_is_told_what_failed_why_and_where_to_look(api: Api) -> None:
    deployment = fail(api, api.project("shop"))
    work(api)
    (mail,) = mails(api)
    error = api.deployment(deployment)["error"]
    assert (mail.to, mail.subject) == ("ada@example.com", "Deploy failed: shop")
    for part in (
        deployment, error["message"], error["hint"], "an uploaded folder", "what was live stays live", "canonry notifications",
        f"canonry deployments logs {deployment}", f"http://localhost:8080/v1/deployments/{deployment}/logs",
    ):  # fmt: skip
        assert part in mail.text
    lines = [line["text"] for line in api.get(f"/v1/deployments/{deployment}/logs")["lines"]]
    assert f"    {lines[-1]}" in mail.text.splitlines()


def test_a_developer_is_told_of_their_own_only_and_a_viewer_of_none(api: Api) -> None:
    developer, token = member(api, Role.DEVELOPER)
    member(api, Role.VIEWER)
    api.project("shop")
    fail(api, "shop")
    work(api)
    assert [mail.to for mail in mails(api)] == ["ada@example.com"]
    execute(api, "UPDATE notices SET sent_at = sent_at - interval '6 minutes'")
    fail(api, "shop", token)
    work(api)
    assert sorted(mail.to for mail in mails(api)[1:]) == ["ada@example.com", developer]


def test_twenty_failures_in_a_minute_are_two_mails(api: Api) -> None:
    for number in range(20):
        fail(api, api.project(f"shop-{number:02}"))
        work(api)
    assert [mail.subject for mail in mails(api)] == ["Deploy failed: shop-00"]
    digest = Digest(api.container)
    digest.round()
    assert len(mails(api)) == 1  # it has not been quiet for five minutes
    execute(api, "UPDATE notices SET sent_at = sent_at - interval '6 minutes'")
    Digest(api.container).round()
    (_, mail) = mails(api)
    assert mail.subject == "19 deploys failed: shop-19, shop-18, shop-17 and 16 more"
    assert mail.text.count("The end of its log:") == 3
    assert mail.text.count("Why: ") == 19
    Digest(api.container).round()
    assert len(mails(api)) == 2


def test_what_fails_while_a_mail_is_written_is_told_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(api, api.project("shop"))
    other = api.project("blogs")

    def another() -> None:
        with api.container.transactions.begin() as tx:
            deployment = deployments.by_ids(tx, [fail(api, other)])
            service.note_failure(tx, next(iter(deployment.values())))

    once_after(monkeypatch, store, "take", another)
    work(api)
    execute(api, "UPDATE notices SET sent_at = sent_at - interval '6 minutes'")
    Digest(api.container).round()
    assert [mail.subject for mail in mails(api)] == ["Deploy failed: shop", "Deploy failed: blogs"]


def test_a_job_that_runs_twice_writes_once(api: Api) -> None:
    deployment = fail(api, api.project("shop"))
    arguments = {"organization_id": api.owner.organization_id, "project_id": "x", "deployment_id": deployment, "code": "x"}
    for _ in range(2):
        tasks(api.container)["notifications.note_failure"](**arguments)
    execute(api, "UPDATE notices SET sent_at = sent_at - interval '6 minutes'")
    tasks(api.container)["notifications.note_failure"](**arguments)
    assert len(mails(api)) == 1


@pytest.mark.parametrize("change", ["email = 'bob@localhost'", "email_verified_at = NULL", "deactivated_at = now()"])
def test_whoever_cannot_be_written_to_is_not(api: Api, change: str) -> None:
    address, token = member(api, Role.OWNER)
    if "deactivated" not in change:
        assert api.ask("GET", "/v1/me/notifications", token=token).json["reachable"] is True
    execute(api, f"UPDATE users SET {change} WHERE email = '{address}'")  # noqa: S608 -- our own words
    if "deactivated" not in change:
        assert api.ask("GET", "/v1/me/notifications", token=token).json["reachable"] is False
    fail(api, api.project("shop"))
    work(api)
    Digest(api.container).round()
    assert [mail.to for mail in mails(api)] == ["ada@example.com"]


def test_what_one_is_told_is_shown_and_changed(api: Api) -> None:
    standing = {"failed_production": "all", "failed_preview": "off", "recovered": False}
    assert api.get("/v1/me/notifications") == {"notifications": standing, "reachable": True}
    changed = api.ask("PATCH", "/v1/me/notifications", {"failed_production": "off", "recovered": True})
    assert changed.json["notifications"] == {"failed_production": "off", "failed_preview": "off", "recovered": True}
    assert api.get("/v1/me/notifications")["notifications"] == changed.json["notifications"]
    fail(api, api.project("shop"))
    work(api)
    assert mails(api) == []
    for body in ({"failed_production": "some"}, {"failed": "all"}, {"recovered": "maybe"}):
        assert api.ask("PATCH", "/v1/me/notifications", body).error == (400, "validation_failed")
    assert api.ask("PATCH", "/v1/me/notifications", {}, token=api.owner.tokens[Scope.READ]).status == 403
    _, token = member(api, Role.DEVELOPER)
    assert api.ask("GET", "/v1/me/notifications", token=token).json["notifications"]["failed_production"] == "own"


def test_who_heard_of_a_failure_hears_of_its_end_when_they_want_to(api: Api) -> None:
    api.ask("PATCH", "/v1/me/notifications", {"recovered": True})
    slug = api.project("shop")
    api.deploy(slug, SITE)
    work(api)
    assert mails(api) == []  # nothing had failed
    fail(api, slug)
    work(api)
    execute(api, "UPDATE notices SET sent_at = sent_at - interval '6 minutes'")
    good = api.deploy(slug, {"index.html": "better"})["id"]
    work(api)
    assert [mail.subject for mail in mails(api)] == ["Deploy failed: shop", "Live again: shop"]
    assert good in mails(api)[1].text
    execute(api, "UPDATE notices SET sent_at = sent_at - interval '6 minutes'")
    api.deploy(slug, {"index.html": "best"})
    work(api)
    assert len(mails(api)) == 2


def test_a_cancelled_deployment_is_no_failure(api: Api) -> None:
    deployment = api.upload(api.project("shop"), SITE).json["deployment"]["id"]
    assert api.ask("POST", f"/v1/deployments/{deployment}/cancel").status == 200
    api.work("shop")
    work(api)
    assert mails(api) == []


def test_of_a_project_that_is_gone_nothing_is_told(api: Api) -> None:
    fail(api, api.project("shop"))
    assert api.ask("DELETE", "/v1/projects/shop").status == 204
    work(api)
    Digest(api.container).round()
    assert mails(api) == []


def test_no_secret_of_a_variable_is_in_a_mail(api: Api) -> None:
    slug = api.project("shop", start_command="sleep 1", build_command="false")
    assert api.ask("POST", f"/v1/projects/{slug}/env", {"key": "KEY", "value": "a-secret-value"}).status == 201
    deployment = api.upload(slug, {"start.sh": "x"}).json["deployment"]["id"]
    api.work(slug)
    assert api.deployment(deployment)["status"] == "failed"
    work(api)
    assert "a-secret-value" not in json.dumps([mail.text for mail in mails(api)])
