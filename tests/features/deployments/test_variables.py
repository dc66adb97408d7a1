"""Variables in a deployment: taken along when it is frozen, kept with the release, never in the open."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from canonry.adapters.builder.memory import MemoryBuilder
from canonry.features.deployments import build_log
from canonry.features.deployments.build_log import BuildLog
from canonry.ports.builder import Artifact, BuildRequest, LogLine
from canonry.wiring.container import Container
from tests.support.api import APP, Api, serving

CANARY = "canary-0f4e-value"
PROCFILE = {"Procfile": "web: sleep 600\nrelease: echo migrated"}


def put(api: Api, slug: str, scope: str = "all", **variables: str) -> None:
    assert api.ask("POST", f"/v1/projects/{slug}/env", {"vars": variables, "scope": scope}).status in {200, 201}


def environment_of(api: Api, slug: str) -> Mapping[str, str]:
    """Return what the running web instance was started with."""
    (row,) = [row for row in api.instances(slug) if row["status"] != "draining"]
    return api.runtime.machine.programs[f"{row['id']}-{row['restarts']}"].spec.environment


def redeploy(api: Api, slug: str, deployment: dict[str, Any], action: str) -> dict[str, Any]:
    made = api.ask("POST", f"/v1/deployments/{deployment['id']}/{action}")
    assert made.status == 201, made.body
    api.work(slug)
    return api.deployment(made.json["deployment"]["id"])


@pytest.mark.criterion("operating#next-deploy", "operating#rollback-variables")
def test_a_change_is_in_force_at_the_next_deployment_and_not_before(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    put(api, slug, GREETING="hello")
    put(api, slug, "preview", GREETING="not for production")
    first = api.deploy(slug, APP)
    assert environment_of(api, slug)["GREETING"] == "hello"
    put(api, slug, "production", GREETING="changed")
    assert environment_of(api, slug)["GREETING"] == "hello"
    assert api.deploy(slug, APP)["status"] == "live"
    assert environment_of(api, slug)["GREETING"] == "changed"
    assert redeploy(api, slug, first, "rollback")["status"] == "live"
    assert environment_of(api, slug)["GREETING"] == "hello"


def test_an_instance_that_a_scale_adds_has_the_values_of_its_release(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    put(api, slug, GREETING="hello")
    api.deploy(slug, APP)
    put(api, slug, GREETING="changed")
    api.ask("POST", f"/v1/projects/{slug}/stop")
    api.ask("POST", f"/v1/projects/{slug}/start")
    rows = {row["release_id"] for row in api.instances(slug)}
    assert len(rows) == 1


def test_the_same_code_with_the_same_variables_keeps_its_instances_and_with_others_gets_new_ones(api: Api) -> None:
    slug = api.app()
    first = api.instances(slug)[0]["id"]
    put(api, slug, A="1")
    assert api.deploy(slug, APP)["reused"] is False
    second = [row["id"] for row in api.instances(slug) if row["status"] != "draining"]
    assert second != [first]
    put(api, slug, A="1")
    assert api.deploy(slug, APP)["reused"] is True
    assert [row["id"] for row in api.instances(slug) if row["status"] != "draining"] == second


def test_what_is_for_building_only_does_not_run_and_the_other_way_round(container: Container) -> None:
    seen: list[BuildRequest] = []

    class Watching(MemoryBuilder):
        def build(self, request: BuildRequest, log: LogLine) -> Artifact:
            seen.append(request)
            return super().build(request, log)

    with serving(container, builder=Watching(container.home.artifacts)) as api:
        slug = api.project(start_command="sleep 600")
        for key, more in {"BUILDS": {"run": False}, "RUNS": {"build": False}, "BOTH": {}, "OPEN": {"sensitive": False}}.items():
            api.ask("POST", f"/v1/projects/{slug}/env", {"key": key, "value": f"value of {key}", **more})
        assert api.deploy(slug, APP)["status"] == "live"
        (request,) = seen
        assert set(request.variables) == {"BUILDS", "BOTH", "OPEN"}
        assert sorted(request.secrets) == ["value of BOTH", "value of BUILDS", "value of RUNS"]
        assert "value of" not in repr(request)
        running = environment_of(api, slug)
        assert [name in running for name in ("BUILDS", "RUNS", "BOTH", "OPEN")] == [False, True, True, True]


def test_a_release_keeps_its_variables_sealed_and_nothing_of_them_reaches_the_database_or_the_disk(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    put(api, slug, API_KEY=CANARY)
    api.deploy(slug, PROCFILE)
    with api.container.transactions.begin() as tx:
        tables = [row[0] for row in tx.connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()]
        for table in tables:
            rows = tx.connection.execute(f"SELECT row_to_json(t)::text FROM {table} t".encode()).fetchall()  # noqa: S608 -- from the catalogue
            assert not [row for row in rows if CANARY in row[0] or CANARY.encode().hex() in row[0]], table
        assert tx.connection.execute("SELECT variables, sealed_variables IS NOT NULL FROM releases").fetchall() == [({}, True)]
    for path in api.container.home.root.rglob("*"):
        assert CANARY not in str(path)
        assert not path.is_file() or CANARY.encode() not in path.read_bytes()


def test_a_release_of_before_variables_were_sealed_runs_with_what_it_has(api: Api) -> None:
    slug = api.app()
    first = api.deployments(slug)[0]
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE releases SET sealed_variables = NULL, variables_digest = '', variables = '{\"OLD\": \"value\"}'")
    assert api.deploy(slug, {**APP, "more": "1"})["status"] == "live"
    assert redeploy(api, slug, first, "rollback")["status"] == "live"
    assert environment_of(api, slug)["OLD"] == "value"


def test_a_release_of_before_without_variables_is_the_same_as_one_without_of_today(api: Api) -> None:
    slug = api.app()
    before = api.instances(slug)[0]["id"]
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE releases SET sealed_variables = NULL, variables_digest = ''")
    assert api.deploy(slug, APP)["status"] == "live"
    assert [row["id"] for row in api.instances(slug)] == [before]


def test_a_failure_that_quotes_a_secret_is_shown_without_it(container: Container) -> None:
    with serving(container, builder=MemoryBuilder(container.home.artifacts, exit_codes={f"curl {CANARY}": 1})) as api:
        slug = api.project(build_command=f"curl {CANARY}")
        put(api, slug, API_KEY=CANARY)
        failed = api.deploy(slug, APP)
        assert (failed["status"], failed["error"]["code"]) == ("failed", "build_failed")
        assert "[redacted]" in failed["error"]["message"]
        log = api.get(f"/v1/deployments/{failed['id']}/logs")
        assert CANARY not in str(failed) + str(log)


def test_a_secret_of_another_key_fails_the_deployment_with_a_remedy(api: Api) -> None:
    slug = api.app()
    put(api, slug, A="1")
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE variables SET sealed_value = decode('01' || repeat('00', 40), 'hex')")
    failed = api.deploy(slug, APP)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "secret_unreadable")
    assert "set the value again" in failed["error"]["hint"]
    assert api.instances(slug)[0]["status"] == "healthy"


@pytest.mark.parametrize("cut", range(0, 24, 3))
def test_a_long_line_that_comes_in_pieces_shows_no_part_of_a_secret(container: Container, cut: int) -> None:
    secret = "QZJKVWPLMHQZJKVWPLMH"
    log = BuildLog(container.home, "dep_1")
    log.mask([secret])
    line = "x" * ((16 << 10) - cut) + secret + "y" * 100
    for start in range(0, len(line), 16 << 10):
        log.build(line[start : start + (16 << 10)])
    log.close("live")
    text = "".join(str(item["text"]) for item in build_log.read(container.home, "dep_1", after=0, limit=10).lines)
    assert set(secret) & set(text) == set()
    assert "y" * 100 in text


def test_a_secret_is_masked_in_the_runtime_log_when_it_is_read(api: Api) -> None:
    slug = api.project(
        start_command=f"echo connecting with {CANARY}; echo {base64.b64encode(b'me:' + CANARY.encode()).decode()}; sleep 600"
    )
    put(api, slug, API_KEY=CANARY)
    api.deploy(slug, APP)
    lines = [line["text"] for line in api.get(f"/v1/projects/{slug}/logs")["lines"]]
    assert lines[0] == "connecting with [redacted]"
    assert len(lines) == 2
    assert base64.b64encode(CANARY.encode())[4:16].decode() not in lines[1]
