"""The walk of a deployment through its states, over memory adapters: superseding, failing at each step, going on after a crash."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from canonry.adapters.builder.memory import MemoryBuilder
from canonry.adapters.runtime.memory import Machine, MemoryRuntime
from canonry.core.errors import Unavailable
from canonry.features.deployments import pipeline, recover
from canonry.features.disk import jobs as disk
from canonry.infra.tx import Transactions, Tx
from canonry.ports.builder import Artifact, BuildRequest, LogLine
from canonry.ports.gates import GateAnswer
from canonry.ports.runtime import InstanceSpec, InstanceState
from canonry.wiring.container import Container
from tests.support.api import APP, SITE, Api, serving

RELEASING = {"Procfile": "web: sleep 600\nrelease: echo migrated"}
PROCFILE = {"Procfile": "web: sleep 600\nworker: sleep 600\nrelease: echo migrated"}


def texts(api: Api, deployment: dict[str, Any]) -> list[str]:
    return [line["text"] for line in api.get(f"/v1/deployments/{deployment['id']}/logs")["lines"]]


def jobs(api: Api) -> list[tuple[str, str]]:
    with api.container.transactions.begin() as tx:
        query = "SELECT task_name, status::text FROM procrastinate_jobs WHERE task_name LIKE 'deployments.%' ORDER BY id"
        return tx.connection.execute(query).fetchall()  # others listen to deployments and have jobs of their own


class TestQueue:
    def test_the_newest_waiting_one_supersedes_the_older_ones(self, api: Api) -> None:
        slug = api.project()
        asked = [api.upload(slug, {"index.html": str(number)}).json["deployment"]["id"] for number in range(5)]
        api.work(slug)
        rows = api.deployments(slug)
        assert [row["id"] for row in rows] == asked[::-1]
        assert [row["status"] for row in rows] == ["live", *["superseded"] * 4]
        assert {row["started_at"] for row in rows[1:]} == {None}
        assert {row["error"]["code"] for row in rows[1:]} == {"superseded"}
        assert all(rows[0]["id"] in texts(api, row)[-1] for row in rows[1:])
        assert api.edge.answer(f"{slug}.localhost").body == b"4"

    def test_a_hundred_pushes_leave_one_job(self, api: Api) -> None:
        slug = api.project()
        for number in range(20):
            api.upload(slug, {"index.html": str(number % 3)})
        assert jobs(api) == [("deployments.run", "todo")]

    def test_what_waits_or_was_interrupted_gets_a_job_again_at_the_start(self, api: Api) -> None:
        waiting, done = api.project(), api.project()
        api.upload(waiting, SITE)
        api.deploy(done, SITE)
        left_over = api.container.home.builds / "dep_of_nobody"
        left_over.mkdir()
        with api.container.transactions.begin() as tx:
            tx.connection.execute("DELETE FROM procrastinate_jobs")
        recover(api.container)
        recover(api.container)
        assert jobs(api) == [("deployments.run", "todo")]
        assert not left_over.exists()

    def test_nothing_waits_and_nothing_happens(self, api: Api) -> None:
        slug = api.project()
        api.work(slug)
        assert api.deployments(slug) == []


class TestFailures:
    @pytest.mark.parametrize(
        ("settings", "files", "code"),
        [
            ({}, {"readme.txt": "?"}, "unknown_source"),
            ({"install_command": "false"}, APP, "install_failed"),
            ({"build_command": "false"}, APP, "build_failed"),
            ({"output_dir": "dist"}, SITE, "output_missing"),
            ({}, {"Procfile": "web: sleep 600\nrelease: exit 3"}, "release_command_failed"),
            ({"start_command": "exit 4"}, APP, "instance_exited"),
            ({"start_command": "unknown-command"}, APP, "instance_exited"),
            ({"start_command": "sleep 600", "health_path": "/health"}, APP, None),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_the_live_release_is_untouched_and_nothing_of_the_new_one_stays(
        self, api: Api, settings: dict[str, str], files: dict[str, str], code: str | None
    ) -> None:
        slug = api.app()
        (before,) = api.instances(slug)
        addresses = api.edge.addresses(f"{slug}.localhost")
        api.ask("PATCH", f"/v1/projects/{slug}", {"start_command": None, **settings})
        deployment = api.deploy(slug, files)
        if code is None:  # it is healthy after all: the counter-check of this test
            assert deployment["status"] == "live"
            return
        assert (deployment["status"], deployment["error"]["code"]) == ("failed", code)
        assert deployment["finished_at"] is not None
        assert deployment["error"]["message"] in " ".join(texts(api, deployment))
        assert texts(api, deployment)[-1] == "The live release is untouched."
        assert api.edge.addresses(f"{slug}.localhost") == addresses
        assert [row for row in api.instances(slug) if row["status"] == "healthy"] == [before]
        assert {row["status"] for row in api.instances(slug)} <= {"healthy", "draining"}
        assert api.get(f"/v1/projects/{slug}")["status"] == "running"
        assert list(api.container.home.builds.iterdir()) == []

    def test_a_gate_that_is_closed_fails_it_with_the_reason(self, container: Container) -> None:
        with serving(container, gate=ClosedGate()) as api:
            slug = api.project()
            deployment = api.deploy(slug, SITE)
            assert (deployment["status"], deployment["error"]["code"]) == ("failed", "gate_closed")
            assert "criterion 7 is red" in deployment["error"]["message"]
            assert api.edge.answer(f"{slug}.localhost").status == 404

    def test_a_bug_fails_it_and_says_so_without_details(self, container: Container, caplog: pytest.LogCaptureFixture) -> None:
        with serving(container, runtime=_Failing(ZeroDivisionError("a secret"), container)) as api:
            slug = api.project(start_command="sleep 600")
            deployment = api.deploy(slug, APP)
        assert (deployment["status"], deployment["error"]["code"]) == ("failed", "internal_error")
        assert "secret" not in str(deployment)
        assert any(record.exc_info for record in caplog.records)

    def test_one_that_is_never_healthy_fails_in_time_and_says_what_was_wrong(self, container: Container) -> None:
        with serving(container, runtime=MemoryRuntime(Machine(ports=itertools.count(1)))) as api:  # nobody listens there
            slug = api.project(start_command="sleep 600")
            deployment = api.deploy(slug, APP)
        assert (deployment["status"], deployment["error"]["code"], deployment["step"]) == ("failed", "unhealthy", "health")
        assert "nothing listens on port" in deployment["error"]["message"]

    def test_a_project_that_is_deleted_while_it_builds_leaves_nothing(self, container: Container) -> None:
        with serving(container) as api:
            slug = api.project()
            queued = api.upload(slug, SITE).json["deployment"]
            builder = _Meanwhile(container, lambda: api.ask("DELETE", f"/v1/projects/{slug}"))
            pipeline.run(replace(container, ports=replace(container.ports, builder=builder)), queued["project_id"], "production")
            assert api.ask("GET", f"/v1/deployments/{queued['id']}").status == 404
            assert api.edge.hosts() == []

    def test_one_that_is_cancelled_while_it_builds_ends_as_cancelled(self, container: Container) -> None:
        with serving(container) as api:
            slug = api.project()
            api.deploy(slug, SITE)
            queued = api.upload(slug, {"index.html": "new"}).json["deployment"]
            builder = _Meanwhile(container, lambda: api.ask("POST", f"/v1/deployments/{queued['id']}/cancel"), pause=0.4)
            pipeline.run(replace(container, ports=replace(container.ports, builder=builder)), queued["project_id"], "production")
            ended = api.deployment(queued["id"])
            assert (ended["status"], ended["error"]["code"]) == ("cancelled", "cancelled")
            assert api.edge.answer(f"{slug}.localhost").body == b"<p>hello</p>"


class TestGoingOn:
    @pytest.mark.parametrize("files", [RELEASING, SITE], ids=["app", "site"])
    def test_when_the_database_goes_away_the_job_runs_again_and_goes_on_from_there(
        self, container: Container, files: dict[str, str]
    ) -> None:
        """Every transaction of a deployment in turn meets a database that is away; the next run ends it."""
        with serving(container) as api:
            slug = api.project(start_command="sleep 600")
            api.deploy(slug, {"index.html": "old"})
            failed_at = 0
            for number in range(60):
                changed = {**files, "version": str(number)}
                queued = api.upload(slug, changed).json["deployment"]
                flaky = replace(container, transactions=_AwayOnce(container, number))
                try:
                    pipeline.run(flaky, queued["project_id"], "production")
                except Unavailable:
                    failed_at += 1
                    assert api.deployment(queued["id"])["status"] in {"queued", "building", "deploying", "live"}
                    api.work(slug)
                else:
                    break
                ended = api.deployment(queued["id"])
                assert (ended["status"], ended["error"]) == ("live", None)
                assert texts(api, ended).count("migrated") <= 2  # once more only when the note of its end was lost
            assert failed_at > 5
            assert number < 59

    def test_a_release_command_that_was_done_is_not_run_again(self, container: Container) -> None:
        with serving(container) as api:
            slug = api.project()
            queued = api.upload(slug, PROCFILE).json["deployment"]
            runtime = _Failing(Unavailable("database_unavailable", "It is away."), container)
            with pytest.raises(Unavailable):
                pipeline.run(replace(container, ports=replace(container.ports, runtime=runtime)), queued["project_id"], "production")
            api.work(slug)
            assert api.deployment(queued["id"])["status"] == "live"
            assert texts(api, queued).count("migrated") == 1


class TestWhatAProjectBecomes:
    def test_a_site_becomes_an_app_and_a_site_again(self, api: Api) -> None:
        slug = api.project(start_command="sleep 600")
        host = f"{slug}.localhost"
        api.deploy(slug, SITE)
        assert api.edge.addresses(host) == []
        api.deploy(slug, APP)
        assert len(api.edge.addresses(host)) == 1
        assert api.edge.answer(host).body.startswith(b"app ")
        api.deploy(slug, SITE)
        assert (api.edge.addresses(host), api.edge.answer(host).body) == ([], b"<p>hello</p>")
        assert {row["status"] for row in api.instances(slug)} == {"draining"}

    def test_workers_run_beside_web_and_the_release_command_runs_once_before_them(self, api: Api) -> None:
        slug = api.project()
        said = texts(api, api.deploy(slug, PROCFILE))
        assert [(row["process"], row["status"]) for row in api.instances(slug)] == [("web", "healthy"), ("worker", "healthy")]
        assert said.index("migrated") < said.index("Start web.0") < said.index("Start worker.0")

    def test_an_unchanged_source_keeps_artifact_and_instances(self, api: Api) -> None:
        slug = api.app()
        before = api.instances(slug)
        again = api.deploy(slug, APP)
        assert (again["status"], again["reused"]) == ("live", True)
        assert [row["id"] for row in api.instances(slug)] == [row["id"] for row in before]
        assert api.deployments(slug)[1]["status"] == "superseded"

    def test_a_deploy_starts_a_stopped_project(self, api: Api) -> None:
        slug = api.app()
        api.ask("POST", f"/v1/projects/{slug}/stop")
        assert api.deploy(slug, APP)["status"] == "live"
        assert api.get(f"/v1/projects/{slug}")["status"] == "running"
        assert api.edge.answer(f"{slug}.localhost").status == 200

    def test_as_many_instances_start_as_the_scale_says(self, api: Api) -> None:
        slug = api.project(start_command="sleep 600")
        api.ask("POST", f"/v1/projects/{slug}/scale", {"instances": 3})
        api.deploy(slug, APP)
        assert [row["status"] for row in api.instances(slug)] == ["healthy"] * 3
        assert len(api.edge.addresses(f"{slug}.localhost")) == 3


class ClosedGate:
    """A gate that lets nothing pass."""

    def check(self, project_id: str, commit: str | None) -> GateAnswer:  # noqa: ARG002 -- the port's signature
        """Refuse."""
        return GateAnswer(allowed=False, reason="criterion 7 is red")


class _Failing(MemoryRuntime):
    """A runtime whose first start of an instance raises."""

    def __init__(self, error: Exception, container: Container) -> None:
        runtime = container.ports.runtime
        assert isinstance(runtime, MemoryRuntime)
        super().__init__(runtime.machine)
        self._error: Exception | None = error

    def start(self, spec: InstanceSpec) -> InstanceState:
        """Fail once."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return super().start(spec)


class _Meanwhile(MemoryBuilder):
    """A builder during whose build something else happens."""

    def __init__(self, container: Container, happens: Callable[[], object], pause: float = 0.0) -> None:
        super().__init__(container.home.artifacts)
        self._happens, self._pause = happens, pause

    def build(self, request: BuildRequest, log: LogLine) -> Artifact:
        """Let it happen, then build."""
        self._happens()
        time.sleep(self._pause)
        return super().build(request, log)


class _AwayOnce(Transactions):
    """Transactions of which one, counted from 0, meets a database that is away."""

    def __init__(self, container: Container, number: int) -> None:
        super().__init__(container.database, container.queue)
        self._left = number

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """Begin, or fail."""
        self._left -= 1
        if self._left == -1:
            raise Unavailable("database_unavailable", "It is away.")
        with super().begin() as tx:
            yield tx


class TestAfterTheSwitch:
    def test_a_fault_in_what_comes_after_leaves_the_deployment_live_and_serving(self, container: Container) -> None:
        class Faulty(MemoryBuilder):
            def remove(self, artifact_id: str) -> None:
                raise RuntimeError(f"a bug while {artifact_id} is removed")

        with serving(container, builder=Faulty(container.home.artifacts)) as api:
            slug = api.project()
            for number in range(5):
                api.deploy(slug, {"index.html": str(number)})
            queued = api.upload(slug, {"index.html": "the sixth, after which the first is removed"}).json["deployment"]
            api.work(slug)
            project_id = api.get(f"/v1/projects/{slug}")["project"]["id"]
            with pytest.raises(RuntimeError, match="a bug while"):  # the worker logs it
                disk.tidy(api.container, project_id=project_id, environment="production")
            ended = api.deployment(queued["id"])
            assert (ended["status"], ended["error"]) == ("live", None)
            assert b"the sixth" in api.edge.answer(f"{slug}.localhost").body
            assert api.get(f"/v1/deployments/{queued['id']}/logs")["done"]
