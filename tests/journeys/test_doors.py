"""The three doors by which a source comes in: a folder, a repository, a push."""

import io
import os
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.canonry import Canonry, ask, eventually, running_canonry, write_server, write_site


@pytest.fixture(scope="module")
def canonry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canonry]:
    """Give one Canonry to all tests of this file."""
    with running_canonry(tmp_path_factory.mktemp("doors"), CANONRY_ALLOW_FILE_URLS="1", CANONRY_DRAIN_SECONDS="1") as canonry:
        yield canonry


def git(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0"}
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def commit(folder: Path, message: str) -> str:
    if not (folder / ".git").exists():
        git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD").stdout.strip()


class TestFolder:
    def test_a_folder_goes_live_with_one_command(self, canonry: Canonry, tmp_path: Path) -> None:
        done = canonry.deploy(write_site(tmp_path / "folder", "by folder"), "by-folder")
        assert done.returncode == 0, done.stderr
        assert f"http://by-folder.localhost:{canonry.port}" in done.stdout
        assert "by folder" in canonry.site("by-folder").text

    def test_a_build_that_fails_exits_1_with_the_reason_and_the_log(self, canonry: Canonry, tmp_path: Path) -> None:
        folder = write_server(tmp_path / "bad", "never")
        (folder / "requirements.txt").write_text("there-is-no-such-package-as-this-one==1.0\n")
        done = canonry.deploy(folder, "bad-build")
        assert done.returncode == 1
        assert "there-is-no-such-package-as-this-one" in done.stdout + done.stderr
        assert canonry.site("bad-build").status == 404

    def test_ignored_files_do_not_travel(self, canonry: Canonry, tmp_path: Path) -> None:
        folder = write_site(tmp_path / "ignoring", "ignoring")
        (folder / "secret.txt").write_text("secret")
        (folder / "draft.html").write_text("draft")
        (folder / ".gitignore").write_text("secret.txt\n")
        (folder / ".canonryignore").write_text("draft.html\n")
        canonry.must("deploy", str(folder), "--project", "ignoring")
        assert [canonry.site("ignoring", path).status for path in ("/", "/secret.txt", "/draft.html")] == [200, 404, 404]

    @pytest.mark.criterion("deploys#unknown-language")
    def test_a_folder_of_an_unknown_kind_says_what_would_work(self, canonry: Canonry, tmp_path: Path) -> None:
        folder = tmp_path / "unknown"
        folder.mkdir()
        (folder / "notes.xyz").write_text("?")
        done = canonry.deploy(folder, "unknown-kind")
        assert done.returncode == 1
        assert "notes.xyz" in done.stdout + done.stderr
        assert "index.html" in done.stdout + done.stderr


class TestArchives:
    def upload(self, canonry: Canonry, slug: str, payload: bytes) -> tuple[int, str]:
        canonry.api("POST", "/v1/projects", {"name": slug, "slug": slug})
        boundary = "----canonry"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: application/octet-stream\r\n\r\n'
        )
        body = head.encode() + payload + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Authorization": f"Bearer {canonry.token()}", "Content-Type": f"multipart/form-data; boundary={boundary}"}
        answer = ask(canonry.port, "localhost", f"/v1/projects/{slug}/upload", method="POST", body=body, headers=headers)
        return answer.status, answer.text

    def test_a_zip_goes_live(self, canonry: Canonry) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("index.html", "<p>by zip")
        assert self.upload(canonry, "by-zip", buffer.getvalue())[0] == 202
        eventually(lambda: canonry.site("by-zip").text, lambda text: "by zip" in text)

    def test_other_bytes_are_refused(self, canonry: Canonry) -> None:
        status, text = self.upload(canonry, "other-bytes", b"these are not the bytes of an archive")
        assert (status, "unsupported_archive" in text) == (400, True)

    def test_an_entry_that_leads_out_is_refused_and_writes_nothing(self, canonry: Canonry) -> None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            entry = tarfile.TarInfo("../../outside.txt")
            entry.size = 3
            archive.addfile(entry, io.BytesIO(b"out"))
        status, text = self.upload(canonry, "leads-out", buffer.getvalue())
        assert (status, "unsafe_archive" in text, "outside.txt" in text) == (400, True, True)
        assert canonry.api("GET", "/v1/projects/leads-out/deployments")["deployments"] == []
        assert not list(canonry.folder.rglob("outside.txt"))


class TestRepository:
    @pytest.mark.criterion("deploys#git-refs")
    def test_a_branch_a_tag_and_a_commit_go_live(self, canonry: Canonry, tmp_path: Path) -> None:
        source = write_site(tmp_path / "repository", "first")
        first = commit(source, "first")
        git(source, "tag", "v1")
        write_site(source, "second")
        commit(source, "second")
        canonry.api("POST", "/v1/projects", {"name": "by-git", "slug": "by-git", "repo_url": source.as_uri()})
        for ref, text in (("main", "second"), ("v1", "first"), ("main", "second"), (first, "first")):
            queued = canonry.api("POST", "/v1/projects/by-git/deploy", {"ref": ref})
            row = eventually(
                lambda deploy_id=queued["deployId"]: canonry.api("GET", f"/v1/deployments/{deploy_id}")["deployment"],
                lambda row: row["status"] in {"live", "failed"},
            )
            assert row["error"] is None, row["error"]
            assert text in canonry.site("by-git").text

    def test_a_missing_ref_fails_with_its_name(self, canonry: Canonry, tmp_path: Path) -> None:
        source = write_site(tmp_path / "repository", "first")
        commit(source, "first")
        canonry.api("POST", "/v1/projects", {"name": "no-ref", "slug": "no-ref", "repo_url": source.as_uri()})
        queued = canonry.api("POST", "/v1/projects/no-ref/deploy", {"ref": "nowhere"})
        row = eventually(
            lambda: canonry.api("GET", f"/v1/deployments/{queued['deployId']}")["deployment"], lambda row: row["status"] == "failed"
        )
        assert "nowhere" in row["error"]["message"]


class TestPush:
    def address(self, canonry: Canonry, slug: str) -> str:
        handle = canonry.api("GET", "/v1/me")["account"]["handle"]
        return f"http://x:{canonry.token()}@localhost:{canonry.port}/git/{handle}/{slug}.git"

    @pytest.mark.criterion("deploys#push-shows-log")
    def test_a_push_shows_the_build_log_and_ends_with_the_url(self, canonry: Canonry, tmp_path: Path) -> None:
        source = write_server(tmp_path / "pushed", "by push")
        commit(source, "first")
        canonry.api("POST", "/v1/projects", {"name": "by-push", "slug": "by-push"})
        done = git(source, "push", self.address(canonry, "by-push"), "main")
        assert "Plan: python" in done.stderr
        assert f"http://by-push.localhost:{canonry.port}" in done.stderr
        assert "by push" in canonry.site("by-push").text

    @pytest.mark.criterion("deploys#push-shows-log")
    def test_a_push_that_does_not_build_says_why_and_the_old_release_stays(self, canonry: Canonry, tmp_path: Path) -> None:
        source = write_site(tmp_path / "pushed", "good")
        commit(source, "good")
        canonry.api("POST", "/v1/projects", {"name": "push-fails", "slug": "push-fails"})
        git(source, "push", self.address(canonry, "push-fails"), "main")
        (source / "canonry.toml").write_text("[build]\nbuild = 'echo this build fails; exit 3'\n")
        commit(source, "bad")
        done = git(source, "push", self.address(canonry, "push-fails"), "main")
        assert "this build fails" in done.stderr
        assert "good" in canonry.site("push-fails").text

    def test_a_wrong_token_is_refused(self, canonry: Canonry, tmp_path: Path) -> None:
        source = write_site(tmp_path / "pushed", "text")
        commit(source, "first")
        address = self.address(canonry, "by-push").replace("cnr_", "cnr_0")
        assert git(source, "push", address, "main", check=False).returncode != 0


@pytest.mark.criterion("deploys#newest-supersedes")
def test_pushes_faster_than_builds_make_at_most_two_builds_and_the_last_one_is_live(canonry: Canonry, tmp_path: Path) -> None:
    source = write_server(tmp_path / "fast", "fast")
    canonry.api("POST", "/v1/projects", {"name": "fast-pushes", "slug": "fast-pushes", "repo_url": source.as_uri()})
    ids, begun = [], time.monotonic()
    for number in range(100):
        write_server(source, f"fast {number}")
        commit(source, f"commit {number}")
        ids.append(canonry.api("POST", "/v1/projects/fast-pushes/deploy")["deployId"])
        time.sleep(max(0.0, begun + 0.1 * (number + 1) - time.monotonic()))  # a hundred in ten seconds
    rows = eventually(
        lambda: [canonry.api("GET", f"/v1/deployments/{deploy_id}")["deployment"] for deploy_id in (ids[0], ids[-1])],
        lambda rows: rows[-1]["status"] in {"live", "failed"},
    )
    assert rows[-1]["status"] == "live", rows[-1]
    everything = canonry.api("GET", "/v1/projects/fast-pushes/deployments?limit=100")["deployments"]
    assert len(everything) == 100
    asked = sorted(datetime.fromisoformat(row["created_at"]).timestamp() for row in everything)
    # On a machine that is too busy to ask so fast there is a build after each pause, and one when a burst has lasted for very long.
    pauses = sum(1 for before, after in pairwise(asked) if after - before > 0.25) + int((asked[-1] - asked[0]) / 15)
    assert sum(1 for row in everything if row["artifact_id"] is not None) <= 2 + pauses
    assert canonry.site("fast-pushes").text.startswith("fast 99")
    assert {row["status"] for row in everything} <= {"live", "superseded"}
