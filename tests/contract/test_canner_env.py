"""The four rows about environment variables, in Canner's words."""

from typing import Any

import pytest

from canonry.adapters.builder.memory import MemoryBuilder
from canonry.ports.builder import Artifact, BuildRequest, LogLine
from canonry.wiring.container import Container
from tests.support.api import APP, Api, serving

SECRET = "a-value-that-is-never-shown"


class Watching(MemoryBuilder):
    """Notes what each build was given."""

    given: list[dict[str, str]]

    def build(self, request: BuildRequest, log: LogLine) -> Artifact:
        self.given = [*getattr(self, "given", []), dict(request.variables)]
        return super().build(request, log)


def rows(api: Api, slug: str, query: str = "") -> list[dict[str, Any]]:
    return list(api.get(f"/v1/projects/{slug}/env{query}")["variables"])


def running(api: Api, slug: str) -> dict[str, str]:
    (row,) = [row for row in api.instances(slug) if row["status"] != "draining"]
    return dict(api.runtime.machine.programs[f"{row['id']}-{row['restarts']}"].spec.environment)


@pytest.mark.contract("Canner", "GET /v1/projects/{slug}/env")
def test_keys_are_listed_per_environment_and_sensitive_values_are_absent(api: Api) -> None:
    slug = api.project()
    for environment in ("production", "preview"):
        body = {"key": "API_KEY", "value": f"{SECRET}-{environment}", "environment": environment}
        assert api.ask("POST", f"/v1/projects/{slug}/env", body).status == 201
    api.ask("POST", f"/v1/projects/{slug}/env", {"key": "LEVEL", "value": "debug", "environment": "production", "sensitive": False})
    assert [(row["key"], row["environment"], row["value"]) for row in rows(api, slug)] == [
        ("API_KEY", "preview", None), ("API_KEY", "production", None), ("LEVEL", "production", "debug"),
    ]  # fmt: skip
    assert [(row["key"], row["environment"]) for row in rows(api, slug, "?environment=preview")] == [("API_KEY", "preview")]
    assert SECRET.encode() not in api.ask("GET", f"/v1/projects/{slug}/env").body


@pytest.mark.contract("Canner", "POST /v1/projects/{slug}/env")
def test_a_key_is_created_for_one_environment_once_and_is_in_the_next_build_and_run(container: Container) -> None:
    builder = Watching(container.home.artifacts)
    with serving(container, builder=builder) as api:
        slug = api.project(start_command="sleep 600")
        body = {"key": "API_KEY", "value": SECRET, "environment": "production"}
        assert api.ask("POST", f"/v1/projects/{slug}/env", body).status == 201
        assert [row["environment"] for row in rows(api, slug)] == ["production"]
        assert api.ask("POST", f"/v1/projects/{slug}/env", body).error == (409, "env_exists")
        api.deploy(slug, APP)
        assert (builder.given[-1]["API_KEY"], running(api, slug)["API_KEY"]) == (SECRET, SECRET)


@pytest.mark.contract("Canner", "PATCH /v1/projects/{slug}/env/{key}")
def test_a_value_is_changed_in_one_environment_only_and_an_unknown_key_is_404(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    for environment in ("production", "preview"):
        api.ask("POST", f"/v1/projects/{slug}/env", {"key": "A", "value": "old", "environment": environment})
    before = {row["environment"]: row["digest"] for row in rows(api, slug)}
    changed = api.ask("PATCH", f"/v1/projects/{slug}/env/A", {"value": "new", "environment": "production"})
    after = {row["environment"]: row["digest"] for row in rows(api, slug)}
    assert changed.status == 200
    assert after["preview"] == before["preview"] == before["production"] != after["production"]
    api.deploy(slug, APP)
    assert running(api, slug)["A"] == "new"
    assert api.ask("PATCH", f"/v1/projects/{slug}/env/UNKNOWN", {"value": "new"}).error == (404, "env_not_found")


@pytest.mark.contract("Canner", "DELETE /v1/projects/{slug}/env/{key}")
def test_a_removed_key_is_gone_from_the_list_and_the_next_deployment(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    api.ask("POST", f"/v1/projects/{slug}/env", {"key": "A", "value": "1", "environment": "production"})
    api.deploy(slug, APP)
    assert running(api, slug)["A"] == "1"
    assert api.ask("DELETE", f"/v1/projects/{slug}/env/A?environment=production").status == 204
    assert rows(api, slug) == []
    api.deploy(slug, APP)
    assert "A" not in running(api, slug)
