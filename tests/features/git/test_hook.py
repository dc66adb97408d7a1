"""What the pusher reads: the build log as it happens, and the end of it."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from canonry.core.paths import Home
from canonry.features.git import hook
from tests.support.git import GitServer, Person
from tests.support.git_api import DeployApi, deploy_api

ZERO = "0" * 40


def remote_lines(text: str) -> list[str]:
    return [line.removeprefix("remote:").strip() for line in text.splitlines() if line.startswith("remote:")]


def run_hook(home: Home, *updates: str, seconds: float = 30, folder: Path | None = None) -> str:
    environment = {"CANONRY_PUSH_SOCKET": str(home.web_socket), "CANONRY_PUSH_PROJECT": "prj_1", "CANONRY_PUSH_BRANCH": "main",
                   "CANONRY_PUSH_TOKEN": "cnr_x", "LC_ALL": "C"}  # fmt: skip
    result = subprocess.run([sys.executable, "-I", "-S", hook.__file__], input="".join(f"{line}\n" for line in updates), env=environment,
                            capture_output=True, timeout=seconds, check=False, encoding="utf-8", cwd=folder)  # fmt: skip
    assert result.returncode == 0
    assert result.stderr == ""
    return result.stdout


class TestThroughAPush:
    def test_the_log_comes_line_by_line_and_ends_with_the_address(self, server: GitServer, api: DeployApi, ada: Person) -> None:
        lines = remote_lines(ada.git("push", server.url("shop"), "main").stderr)
        assert lines == [f"Building {ada.head()[:12]}", "Grüße — fertig", "http://shop.localhost"]
        project, ref, authorization = api.seen[0]
        assert project.startswith("prj_")
        assert ref == ada.head()
        assert authorization == "Bearer cnr_deploy"

    def test_a_line_is_seen_before_the_deployment_ends(self, server: GitServer, api: DeployApi, ada: Person) -> None:
        api.pause = 0.7
        process = subprocess.Popen(["git", "push", server.url("shop"), "main"], cwd=ada.tree, stderr=subprocess.PIPE)
        assert process.stderr is not None
        times: dict[str, float] = {}
        with process.stderr as stream:
            for line in stream:
                for word in (b"Building", b"http://"):
                    if word in line:
                        times[word.decode()] = time.monotonic()
        assert process.wait() == 0
        assert times["http://"] - times["Building"] > 0.7

    def test_a_failure_is_told_with_its_hint_and_the_push_is_kept(self, server: GitServer, api: DeployApi, ada: Person) -> None:
        api.story = [("step", {"text": "npm ci"}), ("error", {"error": "build_failed", "message": "npm ci ended with 1.",
                     "deployment": {"status": "failed", "error": {"code": "build_failed", "hint": "Commit the lock file."}}})]  # fmt: skip
        result = ada.git("push", server.url("shop"), "main")
        assert remote_lines(result.stderr) == [
            "npm ci", "failed: npm ci ended with 1. Commit the lock file.", "The push is kept; what was live stays live.",
        ]  # fmt: skip
        assert ada.head() in ada.git("ls-remote", server.url("shop")).stdout

    def test_other_branches_and_tags_say_which_branch_deploys(self, server: GitServer, api: DeployApi, ada: Person) -> None:
        lines = remote_lines(ada.git("push", server.url("shop"), "main:feature/x", "main:refs/tags/v1").stderr)
        assert len(lines) == 2
        assert "only main is" in lines[0]
        assert "git push <remote> feature/x:main" in lines[0]
        assert "canonry previews create feature/x" in lines[1]
        assert api.seen == []

    def test_several_refs_in_one_push_deploy_the_branch_once(self, server: GitServer, api: DeployApi, ada: Person) -> None:
        ada.git("push", server.url("shop"), "main:a", "main:main", "main:z")
        assert [ref for _, ref, _ in api.seen] == [ada.head()]

    def test_deleting_the_branch_deploys_nothing(self, server: GitServer, api: DeployApi, ada: Person) -> None:
        ada.git("push", server.url("shop"), "main")
        lines = remote_lines(ada.git("push", server.url("shop"), ":main").stderr)
        assert any("was deleted: nothing is deployed" in line for line in lines)
        assert len(api.seen) == 1

    def test_a_client_that_goes_does_not_stop_what_it_started(self, server: GitServer, api: DeployApi, ada: Person) -> None:
        api.pause = 1
        process = subprocess.Popen(["git", "push", server.url("shop"), "main"], cwd=ada.tree, stderr=subprocess.DEVNULL)
        stop = time.monotonic() + 60
        while not api.seen:
            assert time.monotonic() < stop
            time.sleep(0.02)
        process.kill()
        process.wait()
        assert ada.git("ls-remote", server.url("shop")).stdout.split()[0] == ada.head()

    def test_the_hook_is_written_again_when_it_is_not_ours(self, server: GitServer, api: DeployApi, ada: Person, home: Home) -> None:
        ada.git("push", server.url("shop"), "main:x")
        (home.repositories / "hooks/post-receive").write_text("#!/bin/sh\nexec /gone/python\n")
        ada.git("push", server.url("shop"), "main")
        assert len(api.seen) == 1


class TestAlone:
    def test_for_a_branch_that_is_not_deployed_it_only_says_so(self, home: Home) -> None:
        assert "only main is" in run_hook(home, f"{ZERO} {'a' * 40} refs/heads/x")

    @pytest.mark.parametrize(
        ("event", "expected"),
        [
            (("done", {"deployment": {"status": "superseded"}}), "Superseded: a newer push is deployed instead"),
            (("error", {"error": "superseded", "message": "m", "deployment": {"status": "superseded"}}), "Superseded: a newer push"),
            (("error", {"message": "m", "deployment": {"status": "cancelled"}}), "was cancelled"),
            (("done", {"deployment": {"status": "failed", "error": {"message": "it crashed", "hint": "look"}}}), "failed: it crashed look"),
            (("error", {"message": "no deployment at all", "deployment": None}), "failed: no deployment at all"),
        ],
    )
    def test_every_end_has_its_words(self, home: Home, api: DeployApi, event: tuple[str, dict[str, object]], expected: str) -> None:
        api.story = [event]
        assert expected in run_hook(home, f"{ZERO} {'a' * 40} refs/heads/main")

    def test_a_refusal_before_it_starts_is_told(self, home: Home, api: DeployApi) -> None:
        api.refusal = (409, {"error": "no_source", "message": "There is nothing to deploy.", "hint": "Push a commit."})
        out = run_hook(home, f"{ZERO} {'a' * 40} refs/heads/main")
        assert out.splitlines() == ["The push is kept, but nothing is deployed: There is nothing to deploy.", "Push a commit."]

    def test_a_stream_that_breaks_off_says_that_the_deployment_goes_on(self, home: Home, api: DeployApi) -> None:
        api.story = [("step", {"text": "one"})]
        assert "goes on without this terminal" in run_hook(home, f"{ZERO} {'a' * 40} refs/heads/main")

    def test_a_server_that_comes_back_within_seconds_gets_the_push(self, home: Home) -> None:
        out: list[str] = []
        thread = threading.Thread(target=lambda: out.append(run_hook(home, f"{ZERO} {'a' * 40} refs/heads/main")))
        thread.start()
        time.sleep(0.5)
        with deploy_api(home):
            thread.join()
        assert "http://" in out[0]

    def test_no_server_at_all_is_said_and_soon(self, tmp_path: Path) -> None:
        started = time.monotonic()
        assert "does not answer just now" in run_hook(Home(tmp_path), f"{ZERO} {'a' * 40} refs/heads/main")
        assert time.monotonic() - started < 60

    def test_a_log_line_cannot_move_the_pushers_cursor(self, home: Home, api: DeployApi) -> None:
        api.story = [
            ("step", {"text": "\x1b[2J\x1b[Hgone\r\x07 \x1b[31mred\x1b[0m\ttab"}),
            ("done", {"deployment": {"status": "live", "url": "u"}}),
        ]
        assert run_hook(home, f"{ZERO} {'a' * 40} refs/heads/main").splitlines()[0] == "gone \x1b[31mred\x1b[0m\ttab"

    def test_nonsense_on_stdin_is_no_fault(self, home: Home) -> None:
        assert run_hook(home, "", "one two", "a b c d") == ""


def test_who_was_pushed_over_before_asking_asks_for_nothing(tmp_path: Path, ada: Person) -> None:
    home = Home(tmp_path / "home")
    home.create()
    older = ada.head()
    ada.commit({"page.html": "newer"}, "Newer")
    ada.git("clone", "--quiet", "--bare", str(ada.tree), str(tmp_path / "bare.git"))
    ada.git("push", "--quiet", "--force", str(tmp_path / "bare.git"), f"{older}:refs/heads/main")
    ada.git("push", "--quiet", str(tmp_path / "bare.git"), "main")
    with deploy_api(home) as asked:
        out = run_hook(home, f"{ZERO} {older} refs/heads/main", folder=tmp_path / "bare.git")
        assert (out, asked.seen) == ("Superseded: a newer push is deployed instead of this one.\n", [])
        run_hook(home, f"{older} {ada.head()} refs/heads/main", folder=tmp_path / "bare.git")
        assert [ref for _, ref, _ in asked.seen] == [ada.head()]
