"""Backups of projects: who may, what is kept, what stays when it gets old, what Canonry makes by itself."""

from datetime import UTC, datetime, timedelta

from canonry.core.access import Scope
from canonry.features.backups.points import jobs, rounds, service
from canonry.features.disk import jobs as disk
from tests.support.api import APP, SITE, Api


def test_a_note_may_have_280_characters_and_unknown_fields_are_refused(api: Api) -> None:
    slug = api.project()
    api.deploy(slug, SITE)
    at = f"/v1/projects/{slug}/backups"
    assert api.ask("POST", at, {"note": "n" * 280}).status == 201
    assert api.ask("POST", at, {"note": "n" * 281}).error == (400, "validation_failed")
    assert api.ask("POST", at, {"remark": "x"}).error == (400, "validation_failed")
    assert api.ask("POST", at).json["backup"]["note"] is None
    assert len(api.get(at)["backups"]) == 2


def test_reading_scope_lists_and_does_nothing_else_and_an_unknown_backup_is_404(api: Api) -> None:
    slug = api.project()
    api.deploy(slug, SITE)
    at, token = f"/v1/projects/{slug}/backups", api.owner.tokens[Scope.READ]
    assert api.ask("GET", at, token=token).status == 200
    assert api.ask("POST", at, token=token).status == 403
    assert api.ask("POST", f"{at}/bak_0000000000000000/restore").error == (404, "backup_not_found")
    assert api.ask("DELETE", f"{at}/bak_0000000000000000").error == (404, "backup_not_found")


def _tidy(api: Api, slug: str) -> None:
    """Do what follows a deployment: what is kept beyond what is needed goes."""
    disk.tidy(api.container, project_id=api.get(f"/v1/projects/{slug}")["project"]["id"], environment="production")


def test_what_a_backup_needs_is_kept_however_many_deployments_follow_and_goes_with_it(api: Api) -> None:
    slug = api.project()
    first = api.deploy(slug, SITE)
    at = f"/v1/projects/{slug}/backups"
    made = [api.ask("POST", at).json["backup"]["id"] for _ in range(2)]
    for number in range(7):
        api.deploy(slug, {"index.html": f"version {number}"})
    _tidy(api, slug)
    assert api.ask("DELETE", f"{at}/{made[0]}").status == 204
    restored = api.ask("POST", f"{at}/{made[1]}/restore")
    assert restored.status == 201, restored.body
    api.work(slug)
    assert api.deployment(restored.json["deployId"])["artifact_id"] == first["artifact_id"]
    assert api.ask("DELETE", f"{at}/{made[1]}").status == 204
    for number in range(7):
        api.deploy(slug, {"index.html": f"later {number}"})
    _tidy(api, slug)
    assert api.ask("POST", f"/v1/deployments/{first['id']}/rollback").error == (409, "artifact_missing")


def test_what_was_live_is_kept_before_each_deployment_and_the_newest_ten_stay(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    project_id = api.get(f"/v1/projects/{slug}")["id"]
    ids = [api.deploy(slug, {**APP, "n": str(number)})["id"] for number in range(13)]
    for deployment_id in ids:  # as late as they may be: each is live already, or has been
        jobs.before_deployment(api.container, api.owner.organization_id, project_id, deployment_id)
        jobs.before_deployment(api.container, api.owner.organization_id, project_id, deployment_id)
    rows = api.get(f"/v1/projects/{slug}/backups")["backups"]
    assert {row["trigger"] for row in rows} == {"auto-pre-deploy"}
    assert [row["deploymentId"] for row in rows] == ids[2:12][::-1]


def test_each_night_what_is_live_is_kept_once(api: Api) -> None:
    slug = api.project()
    api.deploy(slug, SITE)
    api.project()
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE deployments SET finished_at = now() - interval '2 days'")
    for _ in range(2):
        rounds.PointRounds(api.container).round()
    assert [row["trigger"] for row in api.get(f"/v1/projects/{slug}/backups")["backups"]] == ["auto-nightly"]
    assert service.keep_nightly(api.container, api.get(f"/v1/projects/{api.project()}")["id"]) is None


def test_the_night_begins_at_two_o_clock() -> None:
    assert rounds.last_night(datetime(2026, 11, 26, 2, 0, tzinfo=UTC)) == datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
    assert rounds.last_night(datetime(2026, 11, 26, 1, 59, tzinfo=UTC)) == datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    moment = datetime(2026, 11, 26, 23, 0, tzinfo=UTC)
    assert moment - rounds.last_night(moment) < timedelta(days=1)
