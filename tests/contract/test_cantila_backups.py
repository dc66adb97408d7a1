"""The two rows about backups of projects, in Cantila's words."""

import pytest

from tests.support.api import APP, Api

SECRET = "a-value-that-no-list-shows"


def environment_of(api: Api, slug: str) -> dict[str, str]:
    """Return what the newest instance was started with."""
    row = next(row for row in api.instances(slug) if row["status"] != "draining")
    return dict(api.runtime.machine.programs[f"{row['id']}-{row['restarts']}"].spec.environment)


@pytest.mark.contract("Cantila", "GET /v1/projects/:id/backups")
def test_backups_are_listed_newest_first_and_no_secret_is_in_the_list(api: Api) -> None:
    slug = api.app()
    at = f"/v1/projects/{api.get(f'/v1/projects/{slug}')['id']}/backups"
    assert api.get(at)["backups"] == []
    api.ask("POST", f"/v1/projects/{slug}/env", {"key": "API_KEY", "value": SECRET, "environment": "production"})
    made = [api.ask("POST", at, {"note": note}).json["backup"]["id"] for note in ("first", "second", "third")]
    answer = api.ask("GET", at)
    assert [row["id"] for row in answer.json["backups"]] == made[::-1]
    assert answer.json["backups"][0]["envVars"] == [{"key": "API_KEY", "scope": "production"}]
    assert SECRET.encode() not in answer.body
    first = api.get(f"{at}?limit=2")
    rest = api.get(f"{at}?limit=2&cursor={first['next_cursor']}")
    assert [row["note"] for row in first["backups"] + rest["backups"]] == ["third", "second", "first"]


@pytest.mark.contract("Cantila", "POST /v1/projects/:id/backups")
def test_a_backup_has_a_note_needs_something_live_and_brings_variables_and_deployment_back(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    at = f"/v1/projects/{api.get(f'/v1/projects/{slug}')['id']}/backups"
    assert api.ask("POST", at, {"note": "too early"}).error == (400, "nothing_live")
    api.ask("POST", f"/v1/projects/{slug}/env", {"vars": {"LEVEL": "info", "KEY": SECRET}})
    first = api.deploy(slug, APP)

    answer = api.ask("POST", at, {"note": "before the big change"})
    assert answer.status == 201
    backup = answer.json["backup"]
    assert (backup["note"], backup["trigger"], backup["deploymentId"]) == ("before the big change", "manual", first["id"])
    assert SECRET.encode() not in answer.body

    api.ask("PATCH", f"/v1/projects/{slug}/env/LEVEL", {"value": "debug"})
    api.ask("DELETE", f"/v1/projects/{slug}/env/KEY")
    api.ask("POST", f"/v1/projects/{slug}/env", {"key": "LATER", "value": "stays"})
    second = api.deploy(slug, {**APP, "more.txt": "another version"})
    assert environment_of(api, slug)["LEVEL"] == "debug"

    restored = api.ask("POST", f"{at}/{backup['id']}/restore")
    assert restored.status == 201
    assert restored.json["variables"] == ["all/KEY", "all/LEVEL"]
    api.work(slug)
    live = api.deployment(restored.json["deployId"])
    assert (live["status"], live["trigger"], live["release_id"]) == ("live", "rollback", first["release_id"])
    assert api.deployment(second["id"])["status"] == "superseded"
    assert {name: environment_of(api, slug)[name] for name in ("LEVEL", "KEY")} == {"LEVEL": "info", "KEY": SECRET}
    keys = [row["key"] for row in api.get(f"/v1/projects/{slug}/env")["env"]]
    assert keys == ["KEY", "LATER", "LEVEL"]
