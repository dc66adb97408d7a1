"""The two rows about environment variables, in Cantila's words."""

import pytest

from canonry.features.env.rules import MASK
from tests.support.api import APP, Api

SECRET = "a-value-that-is-never-shown"


@pytest.mark.contract("Cantila", "GET /v1/projects/:id/env")
def test_key_scope_and_secret_flag_are_listed_and_the_value_of_a_secret_is_masked(api: Api) -> None:
    project_id = api.get(f"/v1/projects/{api.project()}")["id"]
    api.ask("POST", f"/v1/projects/{project_id}/env", {"key": "API_KEY", "value": SECRET, "secret": True, "scope": "production"})
    api.ask("POST", f"/v1/projects/{project_id}/env", {"key": "LEVEL", "value": "debug", "secret": False})
    answer = api.ask("GET", f"/v1/projects/{project_id}/env")
    assert answer.json["env"] == [
        {"key": "API_KEY", "value": MASK, "secret": True, "scope": "production"},
        {"key": "LEVEL", "value": "debug", "secret": False, "scope": "all"},
    ]
    assert SECRET.encode() not in answer.body


@pytest.mark.contract("Cantila", "POST /v1/projects/:id/env")
@pytest.mark.criterion("operating#all-or-none")
def test_vars_upserts_every_key_or_none_and_the_running_app_changes_only_at_the_next_deploy(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    at = f"/v1/projects/{api.get(f'/v1/projects/{slug}')['id']}/env"

    def running(key: str) -> str | None:
        row = next(row for row in api.instances(slug) if row["status"] != "draining")
        return api.runtime.machine.programs[f"{row['id']}-{row['restarts']}"].spec.environment.get(key)

    assert api.ask("POST", at, {"vars": {"A": "1", "B": "2"}}).status == 201
    assert api.ask("POST", at, {"key": "C", "value": "3"}).status == 201
    api.deploy(slug, APP)
    assert [running(key) for key in "ABC"] == ["1", "2", "3"]

    bad = api.ask("POST", at, {"vars": {"A": "changed", "D": "new", "not a name": "x"}})
    assert bad.error == (400, "invalid_key")
    assert [row["key"] for row in api.get(at)["env"]] == ["A", "B", "C"]
    assert api.ask("POST", at, {"vars": {"A": "changed", "D": "new"}}).status == 200
    assert [running(key) for key in "ABCD"] == ["1", "2", "3", None]
    api.deploy(slug, APP)
    assert [running(key) for key in "ABCD"] == ["changed", "2", "3", "new"]
