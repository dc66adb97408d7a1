"""`canonry deploy` as a real process against a real server."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.api_server import ApiServer
from tests.support.command_line import RunCli

pytestmark = pytest.mark.usefixtures("signed_in")


@pytest.mark.criterion("deploys#prints-url", "deploys#creates-project")
def test_the_first_deploy_creates_the_project_shows_the_log_and_prints_the_url(canonry: RunCli, server: ApiServer) -> None:
    done = canonry("deploy")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["Found index.html", "Done", "http://my-site.localhost"]
    assert "Created the project my-site." in done.stderr
    assert server.projects["my-site"]["name"] == "My Site"
    assert server.paths_in_last_archive() == ["index.html"]


def test_the_folder_remembers_its_project_and_git_never_sees_that(canonry: RunCli, server: ApiServer, app: Path) -> None:
    canonry("deploy", "--project", "shop")
    assert json.loads((app / ".canonry" / "project.json").read_text()) == {"slug": "shop"}
    assert (app / ".canonry" / ".gitignore").read_text() == "*\n"
    assert canonry("deploy").returncode == 0
    assert list(server.projects) == ["shop"]
    assert server.paths_in_last_archive() == ["index.html"]


def test_a_path_names_another_folder(canonry: RunCli, server: ApiServer, app: Path, tmp_path: Path) -> None:
    assert canonry("deploy", str(app), cwd=tmp_path).returncode == 0
    assert list(server.projects) == ["my-site"]


def test_a_reserved_folder_name_gets_an_ending(canonry: RunCli, server: ApiServer, tmp_path: Path) -> None:
    server.reserved.add("docs")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text("hello")
    assert canonry("deploy", str(tmp_path / "docs")).returncode == 0
    assert canonry("deploy", str(tmp_path / "docs")).returncode == 0
    assert list(server.projects) == ["docs-site"]


def test_somebody_elses_slug_is_a_conflict_that_names_the_way_out(canonry: RunCli, server: ApiServer) -> None:
    server.foreign.add("my-site")
    done = canonry("deploy")
    assert done.returncode == 5
    assert "error: The project 'my-site' cannot be created" in done.stderr
    assert "hint: Choose another one: canonry deploy --project SLUG." in done.stderr


@pytest.mark.criterion("deploys#prints-url")
def test_a_failed_deploy_gives_the_reason_and_the_hint_and_exits_1(canonry: RunCli, server: ApiServer) -> None:
    server.outcome = "failed"
    server.error = {"code": "build_failed", "message": "npm run build ended with 1.", "hint": "Run it on your machine."}
    done = canonry("deploy")
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["Found index.html", "Done"]
    assert done.stderr.endswith("error: npm run build ended with 1.\nhint: Run it on your machine.\n")


@pytest.mark.parametrize(("outcome", "code"), [("cancelled", 9), ("superseded", 10)])
def test_cancelled_and_superseded_have_their_own_words_and_exit_codes(canonry: RunCli, server: ApiServer, outcome: str, code: int) -> None:
    server.outcome = outcome
    done = canonry("deploy")
    assert done.returncode == code
    assert f"was {outcome}" in done.stderr


def test_json_is_one_document_on_stdout_and_the_log_goes_to_stderr(canonry: RunCli) -> None:
    done = canonry("deploy", "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert (document["status"], document["url"]) == ("live", "http://my-site.localhost")
    assert "Found index.html" in done.stderr


def test_json_of_a_failure_has_the_deployment_on_stdout_and_the_error_on_stderr(canonry: RunCli, server: ApiServer) -> None:
    server.outcome, server.error = "failed", {"code": "build_failed", "message": "It broke.", "hint": ""}
    done = canonry("deploy", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "build_failed"
    assert json.loads(done.stderr.splitlines()[-1]) == {"error": "build_failed", "message": "It broke."}


def test_without_following_it_prints_the_id_and_leaves(canonry: RunCli, server: ApiServer) -> None:
    done = canonry("deploy", "--no-follow")
    assert (done.returncode, done.stdout.strip()) == (0, server.deployments[0]["id"])
    assert server.asked("GET", f"/v1/deployments/{server.deployments[0]['id']}/logs/stream") == []


def test_a_log_stream_that_breaks_is_resumed_without_losing_or_repeating_a_line(canonry: RunCli, server: ApiServer) -> None:
    server.build = [f"line {number}" for number in range(40)]
    server.breaks = [7, 0, 12]
    done = canonry("deploy")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:-1] == server.build
    path = f"/v1/deployments/{server.deployments[0]['id']}/logs/stream"
    assert [item.headers.get("Last-Event-ID") for item in server.asked("GET", path)] == [None, "7", "7", "19"]


def test_a_ref_deploys_the_connected_repository_and_uploads_nothing(canonry: RunCli, server: ApiServer) -> None:
    server.add_project("my-site")
    assert canonry("deploy", "--ref", "v1.2").returncode == 0
    assert server.asked("POST", "/v1/projects/my-site/deploy")[0].document == {"ref": "v1.2"}
    assert server.archives == []


def test_an_archive_that_is_too_large_names_the_largest_things(canonry: RunCli, server: ApiServer, app: Path) -> None:
    (app / "video.mp4").write_bytes(os.urandom(300_000))
    server.refusals["/v1/projects/my-site/upload"] = (413, {"error": "archive_too_large", "message": "More than 1 MiB."})
    done = canonry("deploy")
    assert done.returncode == 2
    assert "video.mp4 (0.3 MB)" in done.stderr
    assert ".canonryignore" in done.stderr


def test_what_must_stay_behind_is_named(canonry: RunCli, server: ApiServer, app: Path) -> None:
    (app / "secrets").symlink_to("/etc/passwd")
    done = canonry("deploy")
    assert done.returncode == 0
    assert "warning: secrets is left out: it is a link that leads out of the folder." in done.stderr
    assert server.paths_in_last_archive() == ["index.html"]


def test_a_folder_that_cannot_remember_is_no_failure(canonry: RunCli, app: Path) -> None:
    (app / ".canonry").write_text("in the way")
    done = canonry("deploy")
    assert done.returncode == 0
    assert "name the project next time with --project my-site" in done.stderr


def test_ctrl_c_leaves_with_130_and_says_that_the_deployment_goes_on(signed_in: dict[str, str], server: ApiServer, app: Path) -> None:
    server.hang = True
    deployment = server.add_deployment(server.add_project("my-site")["slug"])
    command = [sys.executable, "-m", "canonry.cli.main", "deployments", "logs", deployment["id"], "--follow"]
    command = ["env", "--default-signal=INT", *command]  # tests that run in the background ignore it, and their children with them
    with subprocess.Popen(command, env=signed_in, cwd=app, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"The deployment {deployment['id']} goes on." in stderr
    assert "Traceback" not in stderr
