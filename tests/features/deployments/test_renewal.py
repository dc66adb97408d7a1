"""What is live is started anew with what its database delivers; nobody's own deployment is lost for it."""

from typing import Any

import pytest

from canonry.features.deployments import renewal
from tests.support.api import APP, SITE, Api
from tests.support.databases import made, row_of


def environment_of(api: Api, slug: str) -> dict[str, str]:
    (row,) = [row for row in api.instances(slug) if row["status"] != "draining"]
    return dict(api.runtime.machine.programs[f"{row['id']}-{row['restarts']}"].spec.environment)


def rotated(api: Api, slug: str, **body: object) -> str:
    answer = api.ask("POST", f"/v1/projects/{slug}/database/rotate", body)
    assert answer.status == 200, answer.body
    return str(answer.json["connection_string"])


def renew(api: Api, slug: str) -> None:
    renewal.request(api.container, api.get(f"/v1/projects/{slug}")["id"], "production")


def with_database(api: Api) -> str:
    slug = api.app()
    made(api, slug)
    renew(api, slug)
    api.work(slug)
    return slug


def statuses(api: Api, slug: str) -> list[tuple[str, str]]:
    return [(row["trigger"], row["status"]) for row in api.deployments(slug)]


def test_what_runs_gets_a_new_database_and_a_new_password_without_a_build(api: Api) -> None:
    slug = with_database(api)
    assert "DATABASE_URL" in environment_of(api, slug)
    assert statuses(api, slug) == [("database", "live"), ("upload", "superseded")]
    url = rotated(api, slug)
    renew(api, slug)
    renew(api, slug)
    assert [trigger for trigger, status in statuses(api, slug) if status == "queued"] == ["database"]
    api.work(slug)
    assert environment_of(api, slug)["DATABASE_URL"] == url
    newest: dict[str, Any] = api.deployments(slug)[0]
    assert newest["reused"] is True
    log = str(api.get(f"/v1/deployments/{newest['id']}/logs"))
    assert "nothing is built" in log
    assert row_of(api, slug).previous_until is not None, "the former login ends with the instances that use it"


def test_when_nothing_is_delivered_anew_the_running_instances_stay(api: Api) -> None:
    slug = with_database(api)
    before = [row["id"] for row in api.instances(slug) if row["status"] != "draining"]
    renew(api, slug)
    api.work(slug)
    assert [row["id"] for row in api.instances(slug) if row["status"] != "draining"] == before
    api.deploy(slug, APP)  # built with DATABASE_URL now: another artifact
    before = [row["id"] for row in api.instances(slug) if row["status"] != "draining"]
    assert api.deploy(slug, APP)["status"] == "live"
    assert [row["id"] for row in api.instances(slug) if row["status"] != "draining"] == before


def test_an_unchanged_deploy_after_a_rotation_starts_anew(api: Api) -> None:
    slug = with_database(api)
    url = rotated(api, slug)
    assert api.deploy(slug, APP)["status"] == "live"
    assert environment_of(api, slug)["DATABASE_URL"] == url
    assert row_of(api, slug).previous_until is not None


def test_a_deployment_that_somebody_asked_for_is_never_lost_for_it(api: Api) -> None:
    slug = with_database(api)
    rotated(api, slug)
    renew(api, slug)
    wanted = api.upload(slug, {**APP, "new": "1"}).json["deployment"]["id"]
    with api.container.transactions.begin() as tx:  # as if the two had come in the other order
        tx.connection.execute("UPDATE deployments SET created_at = created_at - interval '1 minute' WHERE id = %s", (wanted,))
    api.work(slug)
    assert api.deployment(wanted)["status"] == "live"
    rotated_again = api.ask("POST", f"/v1/projects/{slug}/database/rotate", {"now": True})
    assert rotated_again.status == 200
    api.upload(slug, {**APP, "new": "2"})
    renew(api, slug)
    assert [trigger for trigger, status in statuses(api, slug) if status == "queued"] == ["upload"]


@pytest.mark.criterion("databases#rollback-connects")
def test_a_rollback_goes_to_the_version_before_and_connects_with_the_password_of_now(api: Api) -> None:
    slug = with_database(api)
    api.deploy(slug, {**APP, "second": "1"})
    url = rotated(api, slug)
    renew(api, slug)
    api.work(slug)
    assert api.ask("POST", f"/v1/projects/{slug}/rollback").status == 201
    api.work(slug)
    newest = api.deployments(slug)[0]
    assert (newest["trigger"], newest["status"]) == ("rollback", "live")
    assert environment_of(api, slug)["DATABASE_URL"] == url
    with api.container.transactions.begin() as tx:
        query = "SELECT artifact_id FROM releases r WHERE r.id = (SELECT release_id FROM deployments WHERE status = 'live')"
        live = tx.connection.execute(query).fetchone()
        first = tx.connection.execute("SELECT artifact_id FROM releases ORDER BY created_at LIMIT 1").fetchone()
    assert live == first, "not the second version with its former password"


def test_the_former_login_works_while_the_deployment_fails(api: Api) -> None:
    slug = with_database(api)
    rotated(api, slug)
    renew(api, slug)
    assert api.ask("POST", f"/v1/deployments/{api.deployments(slug)[0]['id']}/cancel").status == 200
    api.work(slug)
    assert row_of(api, slug).previous_until is None
    assert api.get(f"/v1/projects/{slug}/database")["rotation"] == {"previous_user": "app_1", "until": None}


def test_where_nothing_runs_the_former_login_ends_at_once(api: Api) -> None:
    slug = api.project()
    api.deploy(slug, SITE)
    made(api, slug)
    rotated(api, slug)
    renew(api, slug)
    assert row_of(api, slug).previous_until is not None
    assert [trigger for trigger, _ in statuses(api, slug)] == ["upload"]
    renewal.request(api.container, "prj_0", "production")  # deleted meanwhile
