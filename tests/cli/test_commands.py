"""Every command: its help, and what it asks the server for."""

import ast
import json
import os
import pty
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import canonry
from canonry import __version__
from canonry.cli.commands import ROOT, Command, Noun, all_commands
from canonry.cli.main import load
from tests.support.api_server import TOKEN, ApiServer
from tests.support.command_line import RunCli
from tests.support.waiting import until

COMMANDS = all_commands()
REMOTE = [path for path, command in COMMANDS if ".remote." in command.target]
HEAVY = ("fastapi", "starlette", "psycopg", "pydantic", "procrastinate", "uvicorn", "httpx", "typer", "rich", "pathspec", "click")
OURS = (
    "canonry.features",
    "canonry.infra",
    "canonry.wiring",
    "canonry.http",
    "canonry.adapters",
    "canonry.ports",
    "canonry.web",
    "canonry.worker",
)


_NO_COMMANDS = {"worker", "watcher", "compare", "drill", "main"}
"""What stands behind the word otherwise: names of connections to PostgreSQL, and a branch of the remote `canonry`."""


def test_every_command_that_a_message_names_exists() -> None:
    known = {" ".join(path) for path in [*(path for path, _ in COMMANDS), *((name,) for name in ROOT.commands)]}
    sources = {path: ast.parse(path.read_text()) for path in Path(canonry.__file__).parent.rglob("*.py")}
    named = [
        (path.name, words)
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for words in re.findall(r"\bcanonry ([a-z]+(?: [a-z-]+)?)", node.value)
    ]
    wrong = [item for item in named if item[1] not in known and not _names_a_command_and_goes_on(item[1])]
    assert [item for item in wrong if item[1] not in _NO_COMMANDS] == []


def _names_a_command_and_goes_on(words: str) -> bool:
    return isinstance(ROOT.commands.get(words.split(" ", maxsplit=1)[0]), Command)


def words_of(path: tuple[str, ...]) -> str:
    return " ".join(path)


def imported(environment: dict[str, str], *words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "canonry.cli.main", *words], env=environment, capture_output=True, text=True, check=False
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


def is_inside(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_help_lists_every_command_and_imports_none(canonry: RunCli, environment: dict[str, str]) -> None:
    done = canonry("--help")
    assert done.returncode == 0
    for name, item in ROOT.commands.items():
        assert f"  {name} " in done.stdout
        assert item.summary in done.stdout
    assert canonry().stdout == done.stdout
    modules = imported(environment, "--help")
    assert not [
        module for module in modules if module.startswith(("canonry.cli.remote", "canonry.cli.server", "canonry.client", "argparse"))
    ]


def test_the_version_is_the_package_s(canonry: RunCli) -> None:
    assert canonry("--version").stdout == f"canonry {__version__}\n"


@pytest.mark.parametrize("name", [name for name, item in ROOT.commands.items() if isinstance(item, Noun) and not item.default])
def test_a_noun_alone_shows_its_commands(canonry: RunCli, name: str) -> None:
    shown, alone = canonry(name, "--help"), canonry(name)
    assert (shown.returncode, alone.returncode) == (0, 2)
    assert shown.stdout == alone.stderr
    noun = ROOT.commands[name]
    assert isinstance(noun, Noun)
    assert all(f"  {verb} " in shown.stdout for verb in noun.commands)


@pytest.mark.parametrize("path", REMOTE, ids=words_of)
def test_the_help_of_a_command_lists_every_option_with_a_sentence(canonry: RunCli, path: tuple[str, ...]) -> None:
    done = canonry(*path, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: canonry {words_of(path)}")
    for action in load(path)._actions:
        assert all(flag in done.stdout for flag in action.option_strings)
        assert str(action.help).endswith((".", ")")), action.dest


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=lambda value: words_of(value) if isinstance(value, tuple) else "")
def test_a_summary_is_one_short_sentence(path: tuple[str, ...], command: Command) -> None:
    assert command.summary.endswith("."), path
    assert len(command.summary) <= 80


WITHOUT_JSON = [path for path, _ in COMMANDS if "--json" not in {flag for action in load(path)._actions for flag in action.option_strings}]


@pytest.mark.parametrize("path", WITHOUT_JSON, ids=words_of)
def test_only_commands_that_print_no_data_lack_json(path: tuple[str, ...]) -> None:
    assert path in {("login",), ("logout",), ("up",), ("down",), ("serve",), ("completion",), ("db", "psql")} or path[-1] == "rm"


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("words", [("projects", "ls"), ("deploy",), ("logs",), ("whoami",)], ids=words_of)
def test_a_remote_command_imports_nothing_of_the_server(environment: dict[str, str], words: tuple[str, ...]) -> None:
    modules = imported(environment, *words)
    assert "canonry.client.transport" in modules
    assert not [module for module in modules if is_inside(module, HEAVY + OURS)]


@pytest.mark.usefixtures("signed_in")
class TestAgainstAServer:
    def test_projects_are_listed_as_a_table_and_as_json(self, canonry: RunCli, server: ApiServer) -> None:
        assert "no projects yet" in canonry("projects", "ls").stderr
        server.add_project("shop", status="running", instances=3)
        lines = canonry("projects", "ls").stdout.splitlines()
        assert [line.split() for line in lines] == [
            ["SLUG", "STATUS", "INSTANCES", "URL"],
            ["shop", "running", "3", "http://shop.localhost"],
        ]
        assert json.loads(canonry("projects", "ls", "--json").stdout)[0]["slug"] == "shop"

    def test_a_project_is_made_shown_stopped_started_and_removed(self, canonry: RunCli, server: ApiServer) -> None:
        assert canonry("projects", "create", "Shop", "--slug", "shop", "--repo", "https://x.example/a.git").stdout == "shop\n"
        assert server.projects["shop"]["repo_url"] == "https://x.example/a.git"
        shown = canonry("projects", "info", "shop").stdout
        assert "http://shop.localhost" in shown
        assert "512 MiB each" in shown
        assert canonry("projects", "stop", "shop").returncode == 0
        assert server.projects["shop"]["status"] == "stopped"
        assert canonry("projects", "start", "shop").returncode == 0
        assert server.projects["shop"]["status"] == "running"
        refused = canonry("projects", "rm", "shop")
        assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
        assert canonry("projects", "rm", "shop", "--yes").returncode == 0
        assert server.projects == {}

    def test_a_start_waits_for_the_app(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("shop")
        was = {"id": "ins_0", "index": 0, "process": "web", "status": "draining"}
        server.instances[:] = [was, {**was, "status": "crash_loop"}, {**was, "process": "worker", "status": "healthy"}]
        refused = canonry("projects", "start", "shop")
        assert (refused.returncode, refused.stdout) == (8, "")
        assert "it is crash_loop" in refused.stderr
        assert "canonry logs --project shop" in refused.stderr
        assert canonry("projects", "start", "shop", "--no-wait").returncode == 0
        server.instances[1]["status"] = "starting"
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(canonry, "projects", "start", "shop")
            until(lambda: sum(asked.path.endswith("/instances") for asked in server.requests) > 2)
            assert not waiting.done()
            server.instances[1]["status"] = "healthy"
            assert waiting.result(60).returncode == 0

    def test_the_folder_s_project_is_meant_when_none_is_named(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        assert json.loads(canonry("projects", "info", "--json").stdout)["slug"] == "my-site"

    def test_the_log_of_a_deployment_is_read_to_its_end(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        server.build = [f"line {number}" for number in range(2500)]
        deployment = server.add_deployment("my-site")
        assert canonry("deployments", "logs", deployment["id"]).stdout.splitlines() == server.build

    def test_deployments_are_listed_shown_cancelled_and_retried(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        first = server.add_deployment(
            "my-site", status="failed", commit="0123456789", ref="main", error={"code": "boom", "message": "It broke."}
        )
        assert [word in canonry("deployments", "ls").stdout for word in (first["id"], "failed", "main 01234567", "boom")] == [True] * 4
        assert "It broke." in canonry("deployments", "info").stdout
        assert canonry("deployments", "logs", first["id"]).stdout == "Found index.html\nDone\n"
        assert len(json.loads(canonry("deployments", "logs", "--json").stdout)) == 2
        assert canonry("deployments", "cancel", first["id"]).returncode == 0
        assert server.deployments[0]["status"] == "cancelled"
        done = canonry("deployments", "retry")
        assert (done.returncode, server.deployments[0]["trigger"]) == (0, "retry")
        assert done.stdout.splitlines()[-1] == "http://my-site.localhost"

    def test_a_project_without_deployments_is_4(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        assert canonry("deployments", "info").returncode == 4

    def test_rollback_goes_to_a_deployment_or_to_what_was_live_before(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        nothing = canonry("rollback")
        assert (nothing.returncode, "nothing to go back to" in nothing.stderr) == (5, True)
        good = server.add_deployment("my-site", status="superseded")
        server.add_deployment("my-site", status="live")
        done = canonry("rollback")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "http://my-site.localhost")
        assert canonry("rollback", good["id"]).returncode == 0
        assert server.asked("POST", f"/v1/deployments/{good['id']}/rollback")

    def test_scale_sends_only_what_is_given(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        assert canonry("scale", "3", "--process", "worker").returncode == 0
        assert canonry("scale", "--memory", "256").returncode == 0
        asked = server.asked("POST", "/v1/projects/my-site/scale")
        assert [item.document for item in asked] == [{"instances": 3, "process": "worker"}, {"memory_mb": 256}]
        assert canonry("scale", "--cpu", "0").returncode == canonry("scale", "--cpu", "0.5", "--size", "l").returncode == 0
        asked = server.asked("POST", "/v1/projects/my-site/scale")
        assert [item.document for item in asked[2:]] == [{"cpu": None}, {"cpu": 0.5, "size": "l"}]
        assert canonry("scale", "--process", "worker").returncode == 2

    def test_the_scale_is_shown_when_nothing_is_set(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        done = canonry("scale")
        assert done.stdout.splitlines()[1].split() == ["web", "2", "1", "of", "2", "s", "256", "MiB", "0.5"]
        assert "s (256 MiB, 0.5 cpu)" in done.stderr
        assert json.loads(canonry("scale", "--json").stdout)["max_instances"] == 32

    def test_settings_of_a_project_are_changed_and_taken_back(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        assert canonry("projects", "set", "--node", "22", "--start", "", "--health-timeout", "90").returncode == 0
        assert server.requests[-1].document == {"node_version": "22", "start_command": None, "health_timeout": 90}
        assert canonry("projects", "set", "my-site", "--health-timeout", "0", "--json").returncode == 0
        assert server.requests[-1].document == {"health_timeout": None}
        assert canonry("projects", "set").returncode == 2

    @pytest.mark.parametrize(("typed", "code"), [("shop\n", 0), ("y\n", 2), ("\n", 2)])
    def test_a_person_types_the_slug_of_what_is_removed(
        self, environment: dict[str, str], server: ApiServer, typed: str, code: int
    ) -> None:
        server.add_project("shop")
        server.volumes.append({"name": "data", "id": "vol_1", "used_bytes": 2_500_000, "files": 3})
        outside, inside = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "canonry.cli.main", "projects", "rm", "shop"], env=environment, stdin=inside, stderr=inside,
            start_new_session=True,
        )  # fmt: skip
        os.close(inside)
        shown = b""
        while b"Type its slug" not in shown:
            shown += os.read(outside, 4096)
        assert b"data (vol_1) with 2.5 MB in 3 files" in shown
        os.write(outside, typed.encode())
        assert process.wait(60) == code
        os.close(outside)
        assert ("shop" in server.projects) == (code != 0)

    def test_instances_are_listed(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        assert "runs no instances" in canonry("ps").stderr
        server.instances.append({
            "id": "ins_1", "index": 0, "process": "web", "status": "crash_loop", "started_at": None, "restarts": 7, "reason": "exit code 1",
            "memory_bytes": 52428800, "release_id": "rel_1",
        })  # fmt: skip
        assert canonry("ps").stdout.splitlines()[1].split() == [
            "ins_1",
            "web",
            "0",
            "crash_loop",
            "-",
            "7",
            "50",
            "MiB",
            "exit",
            "code",
            "1",
        ]

    def test_logs_are_shown_and_limited(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        server.runtime = ["one", "two", "three"]
        assert canonry("logs", "--since", "10m", "-n", "2").stdout.splitlines()[-1] == "2026-01-01T00:00:00.123Z web.0 two"
        assert canonry("logs").stdout.splitlines()[-1] == "2026-01-01T00:00:00.123Z web.0 three"
        asked = server.asked("GET", "/v1/projects/my-site/logs")
        assert [item.query for item in asked] == [{"since": "10m", "limit": "2"}, {"limit": "200"}]
        assert [line["text"] for line in json.loads(canonry("logs", "--json").stdout)] == server.runtime

    def test_a_search_goes_back_until_there_are_enough_lines(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        server.runtime = ["GET one", "two", "three", "four", "get five", "six", "seven"]
        found = json.loads(canonry("logs", "--search", "get", "--json").stdout)
        assert [line["text"] for line in found] == ["GET one", "get five"]
        asked = server.asked("GET", "/v1/projects/my-site/logs")
        assert [item.query.get("before") for item in asked] == [None, "4", "1"]
        assert {item.query["q"] for item in asked} == {"get"}
        assert canonry("logs", "-s", "get", "--process", "web", "-n", "1").stdout.splitlines() == [
            "2026-01-01T00:00:00.123Z web.0 get five"
        ]
        assert server.requests[-1].query["process"] == "web"

    def test_all_pages_since_a_time_are_shown(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        server.runtime = [f"line {number}" for number in range(11_000)]
        assert [line["text"] for line in json.loads(canonry("logs", "--since", "1h", "--json").stdout)] == server.runtime

    def test_following_shows_what_there_is_and_goes_on(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        server.runtime = ["one", "two", "three"]
        server.refusals["/v1/projects/my-site/logs/stream"] = (404, {"error": "project_not_found", "message": "Gone."})
        done = canonry("logs", "--follow", "--json")
        assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == server.runtime
        assert (done.returncode, server.requests[-1].headers["Last-Event-ID"]) == (4, "3")

    def test_a_plan_is_shown_for_people_and_as_it_is(self, canonry: RunCli, server: ApiServer) -> None:
        server.plan = {
            "provider": "python", "framework": "flask", "found": ["uv.lock", "flask in pyproject.toml"],
            "install": "uv sync", "root_dir": ".",
            "toolchains": [{"name": "python", "version": "3.12", "reason": ".python-version"}], "processes": {"web": "gunicorn app:app"},
            "static": None, "port": None, "health_path": "/", "variables": {}, "build": None,
        }  # fmt: skip
        lines = [line.split(maxsplit=1) for line in canonry("plan").stdout.splitlines()]
        assert lines[:3] == [["Provider", "python (flask)"], ["Found", "uv.lock"], ["flask", "in pyproject.toml"]]
        assert ["Processes", "web: gunicorn app:app"] in lines
        assert json.loads(canonry("plan", "--json").stdout) == server.plan

    def test_previews_are_made_listed_approved_and_removed(self, canonry: RunCli, server: ApiServer) -> None:
        server.add_project("my-site")
        assert "has no previews" in canonry("previews", "ls").stderr
        assert canonry("previews", "create", "next", "--commit", "c" * 40, "--expires", "7d").returncode == 0
        assert server.asked("POST", "/v1/projects/my-site/previews")[0].document == {"branch": "next", "commit": "c" * 40, "expires": "7d"}
        assert "http://my-site-next.localhost" in canonry("previews", "ls").stdout
        assert json.loads(canonry("previews", "ls", "--json").stdout)[0]["branch"] == "next"
        server.previews[0].update(fork="stranger/shop", status="waiting", pull_request=7)
        done = canonry("previews", "approve", "#7")
        assert (done.returncode, "stranger/shop" in done.stderr) == (0, True)
        assert server.asked("POST", "/v1/projects/my-site/previews/prv_0/approve")[0].document == {"commit": "c" * 40}
        assert canonry("previews", "rm", "nowhere").returncode != 0
        assert canonry("previews", "rm", "next").returncode == 0
        assert server.previews == []

    def test_a_repository_is_connected_deployed_pushed_to_and_disconnected(self, canonry: RunCli, server: ApiServer) -> None:
        done = canonry("git", "connect", "https://x.example/a.git", "--branch", "next")
        assert (done.returncode, server.projects["my-site"]["repo_url"]) == (0, "https://x.example/a.git")
        assert done.stdout.splitlines() == ["ssh-ed25519 AAAA canonry", "5" * 64], "what is copied stands on stdout, alone"
        assert canonry("git", "connect", "https://x.example/b.git", "--token", "--no-auto-deploy", stdin="a-token\n").returncode == 0
        sent = server.asked("POST", "/v1/projects/my-site/git")
        assert [item.document for item in sent[-2:]] == [
            {"repo": "https://x.example/a.git", "branch": "next", "autoDeploy": True},
            {"repo": "https://x.example/b.git", "autoDeploy": False, "token": "a-token"},
        ]
        assert canonry("git", "connect", "nonsense", "--project", "new-one").returncode == 2
        assert server.asked("POST", "/v1/projects")[-1].document == {"name": "new-one", "slug": "new-one"}
        assert "new-one" not in server.projects, "what was made for it goes again"
        assert canonry("git", "rotate-secret").stdout == "5" * 64 + "\n"
        assert canonry("git", "deploy-key").stdout == "ssh-ed25519 AAAA canonry\n"
        shown = canonry("git", "info").stdout
        assert "deploy key" in shown
        assert "a deployment" in shown
        assert json.loads(canonry("git", "info", "--json").stdout)["connected"] is True
        assert canonry("git", "deploy", "--ref", "v2").returncode == 0
        assert server.asked("POST", "/v1/projects/my-site/deploy")[0].document == {"ref": "v2"}
        assert canonry("git", "url").stdout == f"{server.url}/git/ada/my-site.git\n"
        left = canonry("git", "disconnect")
        assert (left.returncode, server.projects["my-site"]["repo_url"]) == (0, None)
        assert "canonry deploy" in left.stderr
        assert canonry("git", "info").stdout.split() == ["Project", "my-site", "Repository", "none"]

    def test_a_folder_stays_the_project_s_that_it_was_first_connected_to(self, canonry: RunCli, server: ApiServer) -> None:
        for words in (), ("--project", "other"):
            assert canonry("git", "connect", "https://x.example/a.git", *words).returncode == 0
        canonry("git", "info")
        assert server.requests[-1].path == "/v1/projects/my-site/git"

    def test_whoami_and_logout(self, canonry: RunCli) -> None:
        assert "ada@example.com" in canonry("whoami").stdout
        assert json.loads(canonry("whoami", "--json").stdout)["account"]["handle"] == "ada"
        assert canonry("logout").returncode == 0
        assert canonry("whoami").returncode == 3
        assert "Nobody was signed in" in canonry("logout").stderr


def test_login_reads_the_token_from_standard_input_and_checks_it(canonry: RunCli, server: ApiServer) -> None:
    wrong = canonry("login", "--token", "--url", server.url, stdin="cnr_wrong\n")
    assert wrong.returncode == 3
    assert canonry("whoami").returncode == 3
    done = canonry("login", "--token", "--url", server.url, stdin=f"{TOKEN}\n")
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert canonry("whoami").returncode == 0
    assert canonry("login", "--token", stdin="").returncode == 2
