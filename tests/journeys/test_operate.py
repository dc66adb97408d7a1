"""What runs: rollback, stop and start, scale, drain, pages of the edge, logs, crashes."""

import contextlib
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.canonry import Answer, Canonry, ask, eventually, running_canonry, write_server, write_site
from tests.support.requests_in_flight import Visitor

PHOENIX = f"phoenix-{secrets.token_hex(3)}"  # its processes are found on the whole machine, where others may run the same tests


@pytest.fixture(scope="module")
def canonry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canonry]:
    """Give one Canonry to all tests of this file."""
    with running_canonry(tmp_path_factory.mktemp("operate"), CANONRY_DRAIN_SECONDS="7") as canonry:
        yield canonry


def instances(canonry: Canonry, slug: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = canonry.api("GET", f"/v1/projects/{slug}/instances")["instances"]
    return [row for row in rows if row["status"] != "draining"]


@pytest.mark.contract("Canner", "POST /v1/deployments/{id}/rollback")
@pytest.mark.criterion("deploys#rollback-no-build")
def test_a_rollback_serves_the_older_artifact_again_without_a_build(canonry: Canonry, tmp_path: Path) -> None:
    for text in ("one", "two"):
        assert canonry.deploy(write_server(tmp_path / "app", text), "back").returncode == 0
    with Visitor(canonry.port, "back.localhost") as visitor:
        canonry.must("rollback", "--project", "back")
        eventually(lambda: canonry.site("back").text, lambda text: text.startswith("one"))
    assert visitor.wrong == []
    newest = canonry.api("GET", "/v1/projects/back/deployments")["deployments"][0]
    lines = canonry.api("GET", f"/v1/deployments/{newest['id']}/logs")["lines"]
    assert (newest["trigger"], newest["status"]) == ("rollback", "live")
    assert not any("Installing" in line["text"] or line["text"].startswith("$ ") for line in lines)


@pytest.mark.criterion("deploys#no-failed-request")
def test_no_request_fails_while_versions_follow_each_other(canonry: Canonry, tmp_path: Path) -> None:
    assert canonry.deploy(write_server(tmp_path / "app", "v0"), "moving").returncode == 0
    canonry.must("scale", "2", "--project", "moving")
    with Visitor(canonry.port, "moving.localhost") as visitor:
        for version in ("v1", "v2", "v3"):
            assert canonry.deploy(write_server(tmp_path / "app", version), "moving").returncode == 0
            eventually(lambda: canonry.site("moving").text.split()[0], lambda text, version=version: text == version)
        eventually(lambda: set(visitor.seen), lambda seen: {"v0", "v1", "v2", "v3"} <= seen)
    assert (visitor.wrong, set(visitor.seen)) == ([], {"v0", "v1", "v2", "v3"})


def test_a_stopped_project_answers_503_and_starts_again_without_a_build(canonry: Canonry, tmp_path: Path) -> None:
    canonry.must("deploy", str(write_server(tmp_path / "app", "awake")), "--project", "sleeper")
    for _ in range(2):
        assert canonry.api("POST", "/v1/projects/sleeper/stop")["status"] == "stopped"
    assert canonry.site("sleeper").status == 503
    eventually(lambda: canonry.api("GET", "/v1/projects/sleeper/instances")["instances"], lambda rows: rows == [])
    canonry.api("POST", "/v1/projects/sleeper/start")
    eventually(lambda: canonry.site("sleeper").text, lambda text: text.startswith("awake"))
    assert len(canonry.api("GET", "/v1/projects/sleeper/deployments")["deployments"]) == 1


def test_a_static_site_stops_and_starts_too(canonry: Canonry, tmp_path: Path) -> None:
    canonry.must("deploy", str(write_site(tmp_path / "site", "still")), "--project", "still-site")
    canonry.api("POST", "/v1/projects/still-site/stop")
    assert canonry.site("still-site").status == 503
    canonry.api("POST", "/v1/projects/still-site/start")
    assert "still" in canonry.site("still-site").text


def test_starting_what_was_never_deployed_is_a_conflict(canonry: Canonry) -> None:
    canonry.api("POST", "/v1/projects", {"name": "never", "slug": "never"})
    assert canonry.api("POST", "/v1/projects/never/start")["error"] == "no_deployment"


def test_an_unknown_host_answers_404(canonry: Canonry) -> None:
    assert ask(canonry.port, "nobody-has-this.localhost").status == 404


def test_a_project_becomes_a_static_site_and_an_app_again(canonry: Canonry, tmp_path: Path) -> None:
    canonry.must("deploy", str(write_server(tmp_path / "app", "dynamic")), "--project", "changing")
    canonry.must("deploy", str(write_site(tmp_path / "site", "static")), "--project", "changing")
    assert "static" in canonry.site("changing").text
    canonry.must("deploy", str(write_server(tmp_path / "app", "dynamic")), "--project", "changing")
    assert canonry.site("changing").text.startswith("dynamic")


def test_scaling_adds_and_removes_instances_and_all_of_them_serve(canonry: Canonry, tmp_path: Path) -> None:
    canonry.must("deploy", str(write_server(tmp_path / "app", "many")), "--project", "many")
    with Visitor(canonry.port, "many.localhost") as visitor:
        canonry.must("scale", "3", "--project", "many")
        eventually(lambda: instances(canonry, "many"), lambda rows: [row["status"] for row in rows] == ["healthy"] * 3)
        eventually(lambda: {canonry.site("many").text for _ in range(30)}, lambda texts: len(texts) == 3)
        canonry.must("scale", "1", "--project", "many")
        eventually(lambda: instances(canonry, "many"), lambda rows: len(rows) == 1)
        time.sleep(1.5)
    assert visitor.wrong == []


@pytest.mark.parametrize("wrong", [0, -1, "x", 33, 1.5, True])
def test_scaling_to_something_else_than_a_number_is_refused(canonry: Canonry, wrong: object) -> None:
    canonry.api("POST", "/v1/projects", {"name": "scaled", "slug": "scaled"})
    answer = canonry.api("POST", "/v1/projects/scaled/scale", {"instances": wrong})
    assert (answer["error"], answer["issues"][0]["path"]) == ("validation_failed", "body.instances")


@pytest.mark.criterion("deploys#sigterm-after-drain")
def test_a_response_in_flight_is_finished_before_the_old_instance_gets_sigterm(canonry: Canonry, tmp_path: Path) -> None:
    folder = write_server(tmp_path / "app", "old")
    canonry.must("deploy", str(folder), "--project", "slow")
    answers: list[Answer] = []
    visitor = threading.Thread(target=lambda: answers.append(canonry.site("slow", "/slow=5")))
    visitor.start()
    time.sleep(0.3)
    canonry.must("deploy", str(write_server(folder, "new")), "--project", "slow")
    assert canonry.site("slow").text.startswith("new")
    visitor.join()
    assert [(answer.status, answer.text.startswith("old")) for answer in answers] == [(200, True)]


def test_a_killed_instance_comes_back(canonry: Canonry, tmp_path: Path) -> None:
    canonry.must("deploy", str(write_server(tmp_path / "app", "alive")), "--project", PHOENIX)
    before = canonry.site(PHOENIX).text
    for pid in _pids_of(PHOENIX):
        with contextlib.suppress(ProcessLookupError):  # the end of one of them takes the others along
            os.kill(pid, signal.SIGKILL)
    after = eventually(lambda: canonry.site(PHOENIX).text, lambda text: text.startswith("alive") and text != before)
    assert after != before
    row = eventually(lambda: instances(canonry, PHOENIX)[0], lambda row: row["status"] == "healthy")
    assert row["restarts"] == 1


def _pids_of(slug: str) -> list[int]:
    """Return the host's pids of the app's own processes, found by their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"CANONRY_PROJECT={slug}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    assert found
    return found


def test_an_app_that_keeps_crashing_is_shown_as_a_crash_loop_and_answers_502(canonry: Canonry, tmp_path: Path) -> None:
    code = "import os, threading, time\nthreading.Thread(target=lambda: (time.sleep(1.5), os._exit(3)), daemon=True).start()\n"
    canonry.must("deploy", str(write_server(tmp_path / "app", "briefly", code=code)), "--project", "looping")
    row = eventually(lambda: instances(canonry, "looping")[0], lambda row: row["status"] == "crash_loop", within=60)
    assert "3" in row["reason"]
    assert eventually(lambda: canonry.site("looping").status, lambda status: status == 502) == 502
    canonry.api("DELETE", "/v1/projects/looping")


def test_the_runtime_log_shows_what_the_app_writes(canonry: Canonry, tmp_path: Path) -> None:
    canonry.must(
        "deploy", str(write_server(tmp_path / "app", "talks", code="print('a line of its own', flush=True)\n")), "--project", "talks"
    )
    lines = eventually(lambda: canonry.api("GET", "/v1/projects/talks/logs?since=10m")["lines"], lambda lines: len(lines) >= 2)
    assert lines[0]["text"] == "a line of its own"
    assert "a line of its own" in canonry.must("logs", "--project", "talks")
    assert [len(canonry.api("GET", "/v1/projects/talks/logs?limit=1")["lines"])] == [1]
    assert canonry.api("GET", "/v1/projects/talks/logs?since=yesterday")["error"] == "invalid_since"


def test_a_deleted_project_answers_no_more_and_its_slug_is_free(canonry: Canonry, tmp_path: Path) -> None:
    canonry.must("deploy", str(write_server(tmp_path / "app", "gone")), "--project", "going")
    project_id = canonry.api("GET", "/v1/projects/going")["id"]
    deployment = canonry.api("GET", "/v1/projects/going/deployments")["deployments"][0]
    canonry.api("DELETE", "/v1/projects/going")
    assert canonry.site("going").status == 404
    ids = (project_id, deployment["id"], deployment["artifact_id"])
    eventually(lambda: [path for path in canonry.home.rglob("*") if any(part in path.name for part in ids)], lambda left: left == [])
    assert canonry.api("GET", "/v1/projects/going")["error"] == "project_not_found"
    canonry.must("deploy", str(write_server(tmp_path / "app", "again")), "--project", "going")
    assert canonry.site("going").text.startswith("again")


def test_procfile_processes_besides_web_run_as_workers(canonry: Canonry, tmp_path: Path) -> None:
    folder = write_server(tmp_path / "app", "with worker")
    (folder / "worker.py").write_text("import time\nprint('the worker works', flush=True)\ntime.sleep(600)\n")
    (folder / "Procfile").write_text("web: python main.py\nworker: python worker.py\nrelease: echo migrated\n")
    done = canonry.deploy(folder, "workers")
    assert done.returncode == 0
    assert "migrated" in done.stdout + done.stderr
    assert sorted(row["process"] for row in instances(canonry, "workers")) == ["web", "worker"]
    eventually(lambda: canonry.must("logs", "--project", "workers"), lambda text: "the worker works" in text)


def test_a_release_command_that_fails_leaves_the_old_release_live(canonry: Canonry, tmp_path: Path) -> None:
    folder = write_server(tmp_path / "app", "before")
    canonry.must("deploy", str(folder), "--project", "migrating")
    write_server(folder, "after")
    (folder / "Procfile").write_text("web: python main.py\nrelease: echo cannot migrate; exit 4\n")
    done = canonry.deploy(folder, "migrating")
    assert (done.returncode, "code 4" in done.stdout + done.stderr) == (1, True)
    assert canonry.site("migrating").text.startswith("before")


@pytest.mark.criterion("deploys#reuses-artifact")
def test_unchanged_code_reuses_the_artifact_and_the_running_instances(canonry: Canonry, tmp_path: Path) -> None:
    folder = write_server(tmp_path / "app", "same")
    canonry.must("deploy", str(folder), "--project", "same")
    before = canonry.site("same").text
    canonry.must("deploy", str(folder), "--project", "same")
    rows = canonry.api("GET", "/v1/projects/same/deployments")["deployments"]
    assert [(row["status"], row["reused"]) for row in rows] == [("live", True), ("superseded", False)]
    assert canonry.site("same").text == before


@pytest.mark.contract("Canner", "POST /v1/deployments/{id}/cancel")
def test_a_running_deployment_can_be_cancelled_and_its_build_is_gone(canonry: Canonry, tmp_path: Path) -> None:
    folder = write_server(tmp_path / "app", "live")
    canonry.must("deploy", str(folder), "--project", "cancelled")
    (folder / "canonry.toml").write_text("[build]\nbuild = 'sleep 66.25'\n")
    canonry.must("deploy", str(folder), "--project", "cancelled", "--no-follow")
    row = eventually(lambda: canonry.api("GET", "/v1/projects/cancelled/deployments")["deployments"][0], lambda row: row["step"] == "build")
    canonry.api("POST", f"/v1/deployments/{row['id']}/cancel")
    ended = eventually(lambda: canonry.api("GET", f"/v1/deployments/{row['id']}")["deployment"], lambda row: row["finished_at"] is not None)
    assert ended["status"] == "cancelled"
    assert canonry.api("POST", f"/v1/deployments/{row['id']}/cancel")["error"] == "deployment_not_cancellable"
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x0066.25" in _read(path)]
    assert canonry.site("cancelled").text.startswith("live")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.criterion("deploys#plan-changes-nothing")
def test_a_plan_leaves_nothing_behind(canonry: Canonry, tmp_path: Path) -> None:
    before = sorted(path.name for path in canonry.home.rglob("*") if "postgres" not in str(path) and "logs" not in str(path))
    shown = canonry.must("plan", str(write_server(tmp_path / "app", "planned")))
    assert "python" in shown
    after = sorted(path.name for path in canonry.home.rglob("*") if "postgres" not in str(path) and "logs" not in str(path))
    assert after == before


def test_the_newest_five_artifacts_and_uploads_are_kept_and_what_is_live(canonry: Canonry, tmp_path: Path) -> None:
    for number in range(8):
        canonry.must("deploy", str(write_site(tmp_path / "site", f"version {number}")), "--project", "kept")
    rows = canonry.api("GET", "/v1/projects/kept/deployments")["deployments"]
    eventually(
        lambda: [(canonry.home / "artifacts" / row["artifact_id"]).exists() for row in rows],
        lambda there: there == [True] * 5 + [False] * 3,
    )
    canonry.must("rollback", rows[4]["id"], "--project", "kept")
    assert "version 3" in canonry.site("kept").text
    done = canonry.command("rollback", rows[7]["id"], "--project", "kept")
    assert (done.returncode, "no longer kept" in done.stderr) == (5, True)
    assert "version 3" in canonry.site("kept").text
