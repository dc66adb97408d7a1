"""Smart HTTP with the real git: clone, fetch, push, and everybody who may not."""

import gzip
import http.client
import os
import resource
import socket
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

import psutil
import pytest

from canonry.core.paths import Home
from canonry.features import projects
from canonry.features.git import branch_exists, head_of, hosted_repository, resolve_hosted
from canonry.infra.db import Database
from tests.support.git import GitServer, Person
from tests.support.git_api import DeployApi


def basic(token: str) -> str:
    return "Basic " + b64encode(f"anybody:{token}".encode()).decode()


def project_id(server: GitServer, slug: str = "shop") -> str:
    with server.transactions.begin() as tx:
        return projects.find(tx, server.actors["cnr_deploy"], slug).id


def status(
    server: GitServer, path: str, authorization: str | None = basic("cnr_deploy"), method: str = "GET"
) -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", method=method)
    if authorization:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode()


def backends() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.name().startswith("git"):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


class TestPush:
    def test_the_first_push_creates_the_project_and_the_repository(self, server: GitServer, ada: Person, home: Home) -> None:
        result = ada.git("push", server.url("shop"), "main")
        assert "[new branch]" in result.stderr
        identity = project_id(server)
        assert resolve_hosted(home, identity, "main").sha == ada.head()
        assert resolve_hosted(home, identity, ada.head()[:9]).tree == ada.head("HEAD^{tree}")
        assert branch_exists(home, identity, "main")
        assert not branch_exists(home, identity, "other")

    def test_a_clone_has_what_was_pushed(self, server: GitServer, ada: Person, tmp_path: Path) -> None:
        ada.git("push", server.url("shop"), "main")
        ada.git("clone", "--quiet", server.url("shop", token="cnr_read"), str(tmp_path / "clone"))
        assert (tmp_path / "clone/index.html").read_text() == "<h1>one</h1>\n"

    def test_the_address_works_without_its_ending_too(self, server: GitServer, ada: Person) -> None:
        ada.git("push", server.url("shop").removesuffix(".git"), "main")
        assert ada.git("ls-remote", server.url("shop")).stdout.split()[0] == ada.head()

    def test_ninety_megabytes_pass_and_are_never_held_in_memory(self, server: GitServer, ada: Person, tmp_path: Path) -> None:
        ada.git("push", server.url("shop"), "main")
        ada.commit({"big": os.urandom(90 << 20)})
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        ada.git("push", server.url("shop"), "main")
        ada.git("clone", "--quiet", server.url("shop"), str(tmp_path / "clone"))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert (tmp_path / "clone/big").stat().st_size == 90 << 20
        assert grown < 60 << 10  # KiB

    def test_a_rewritten_branch_can_be_forced(self, server: GitServer, ada: Person, home: Home) -> None:
        ada.git("push", server.url("shop"), "main")
        ada.git("commit", "--quiet", "--amend", "-m", "Other")
        assert ada.git("push", server.url("shop"), "main", check=False).returncode != 0
        ada.git("push", "--force", server.url("shop"), "main")
        found = head_of(home, project_id(server), "main")
        assert found
        assert found.message == "Other"

    def test_four_people_push_at_once(self, server: GitServer, ada: Person, tmp_path: Path) -> None:
        ada.git("push", server.url("shop"), "main")
        people = []
        for number in range(4):
            ada.git("clone", "--quiet", server.url("shop"), str(tmp_path / f"p{number}"))
            people.append(Person(tmp_path / f"p{number}"))
            people[-1].commit({f"f{number}": "x"})
        results: dict[int, tuple[int, int]] = {}

        def push(number: int) -> None:
            own = people[number].git("push", server.url("shop"), f"HEAD:refs/heads/b{number}", check=False)
            shared = people[number].git("push", server.url("shop"), "HEAD:main", check=False)
            results[number] = (own.returncode, shared.returncode)

        threads = [threading.Thread(target=push, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [own for own, _ in results.values()] == [0] * 4
        assert [shared for _, shared in results.values()].count(0) == 1
        assert len(ada.git("ls-remote", "--heads", server.url("shop")).stdout.splitlines()) == 5

    def test_a_lock_left_by_a_killed_push_does_not_stop_the_next(self, server: GitServer, ada: Person, home: Home) -> None:
        ada.git("push", server.url("shop"), "main")
        repository = hosted_repository(home, project_id(server))
        (repository / "refs/heads/main.lock").touch()
        (repository / "packed-refs.lock").touch()
        (repository / "objects/tmp_objdir-incoming-abc").mkdir()
        ada.commit({"b": "2"})
        ada.git("push", server.url("shop"), "main")
        assert not (repository / "objects/tmp_objdir-incoming-abc").exists()

    def test_a_tree_with_a_forbidden_name_is_not_taken(self, server: GitServer, ada: Person) -> None:
        blob = ada.git("hash-object", "-w", "index.html").stdout.strip()
        (ada.tree.parent / "tree").write_bytes(b"100644 ..\0" + bytes.fromhex(blob))
        tree = ada.git("hash-object", "-t", "tree", "--literally", "-w", str(ada.tree.parent / "tree")).stdout.strip()
        commit = ada.git("commit-tree", tree, "-m", "evil").stdout.strip()
        result = ada.git("push", server.url("shop"), f"{commit}:refs/heads/evil", check=False)
        assert result.returncode != 0
        assert "hasDotdot" in result.stderr

    def test_the_projects_branch_is_the_default_of_a_clone(self, server: GitServer, ada: Person, tmp_path: Path) -> None:
        ada.git("push", server.url("shop"), "main:trunk")
        with server.transactions.begin() as tx:
            projects.change(tx, server.actors["cnr_deploy"], "shop", {"repo_branch": "trunk"})
        ada.git("clone", "--quiet", server.url("shop"), str(tmp_path / "clone"))
        assert Person(tmp_path / "clone").git("branch", "--show-current").stdout.strip() == "trunk"

    def test_a_project_whose_code_comes_from_elsewhere_takes_no_push(self, server: GitServer, ada: Person) -> None:
        ada.git("push", server.url("shop"), "main")
        with server.transactions.begin() as tx:
            projects.change(tx, server.actors["cnr_deploy"], "shop", {"repo_url": "https://example.com/a.git"})
        result = ada.git("push", server.url("shop"), "main:x", check=False)
        assert result.returncode != 0
        assert "https://example.com/a.git" in result.stderr


class TestWhoMay:
    @pytest.mark.parametrize("token", [None, "wrong"])
    def test_without_a_good_token_it_is_401_with_the_way_to_log_in(self, server: GitServer, token: str | None) -> None:
        for path in ("/git/acme/shop.git/info/refs?service=git-upload-pack", "/git/other/none.git/info/refs?service=git-receive-pack"):
            code, headers, _ = status(server, path, basic(token) if token else None)
            assert code == 401
            assert {name.lower(): value for name, value in headers.items()}["www-authenticate"].startswith("Basic realm=")

    @pytest.mark.parametrize("header", ["Basic !!!", "Basic //4=", "Basic", "Digest x", "Basic bm9jb2xvbg=="])
    def test_a_broken_header_is_401(self, server: GitServer, header: str) -> None:
        assert status(server, "/git/acme/shop.git/info/refs?service=git-upload-pack", header)[0] == 401

    def test_somebody_elses_repository_is_404_as_if_it_were_not_there(self, server: GitServer, ada: Person) -> None:
        ada.git("push", server.url("shop"), "main")
        for wanted in ("git-upload-pack", "git-receive-pack"):
            for name in ("shop", "none"):
                code, _, text = status(server, f"/git/acme/{name}.git/info/refs?service={wanted}", basic("cnr_foreign"))
                assert code == 404
                assert "acme/" in text
        assert ada.git("push", server.url("shop", token="cnr_foreign"), "main:x", check=False).returncode != 0

    def test_a_reading_token_clones_and_does_not_push(self, server: GitServer, ada: Person) -> None:
        ada.git("push", server.url("shop"), "main")
        assert ada.head() in ada.git("ls-remote", server.url("shop", token="cnr_read")).stdout
        result = ada.git("push", server.url("shop", token="cnr_read"), "main:x", check=False)
        assert "403" in result.stderr
        assert "wider scope" in result.stderr
        assert status(server, "/git/acme/shop.git/git-receive-pack", basic("cnr_read"), "POST")[0] == 403

    def test_a_reading_token_creates_nothing(self, server: GitServer) -> None:
        assert status(server, "/git/acme/newone.git/info/refs?service=git-receive-pack", basic("cnr_read"))[0] == 403

    def test_looking_at_what_is_not_there_creates_nothing(self, server: GitServer, home: Home) -> None:
        assert status(server, "/git/acme/newone.git/info/refs?service=git-upload-pack")[0] == 404
        assert list(home.repositories.glob("*.git")) == []

    @pytest.mark.parametrize(
        "path",
        ["/git/acme/shop.git/info/refs", "/git/acme/shop.git/info/refs?service=git-upload-archive", "/git/acme/shop.git/HEAD",
         "/git/acme/shop.git/config",
         "/git/acme/shop.git/objects/info/packs", "/git/acme/..%2F..%2Fetc/info/refs?service=git-upload-pack",
         "/git/acme/shop.git/info/refs?service=--upload-pack", "/git/acme/..git/info/refs?service=git-receive-pack",
         "/git/acme/-x.git/info/refs?service=git-receive-pack"],
    )  # fmt: skip
    def test_nothing_else_is_served(self, server: GitServer, ada: Person, path: str) -> None:
        ada.git("push", server.url("shop"), "main")
        assert status(server, path)[0] in {400, 404, 405}

    def test_the_token_stands_on_no_command_line(self, server: GitServer, api: DeployApi, ada: Person) -> None:
        api.pause = 0.2
        thread = threading.Thread(target=lambda: ada.git("push", server.url("shop"), "main"))
        thread.start()
        seen: set[str] = set()
        while thread.is_alive():
            for process in psutil.Process().children(recursive=True):
                try:
                    words = process.cmdline()
                except psutil.Error:
                    continue
                if "push" not in words and not any("remote-http" in word or "send-pack" in word for word in words):  # ada's own git
                    seen.update(words)
        thread.join()
        assert any("hook.py" in word for word in seen)
        assert not any("cnr_deploy" in word for word in seen)


class TestTheWire:
    def _wanted(self, server: GitServer, ada: Person) -> bytes:
        ada.git("push", server.url("shop"), "main")
        line = f"want {ada.head()} ofs-delta no-progress\n".encode()
        return f"{len(line) + 4:04x}".encode() + line + b"0000" + b"0009done\n"

    def _ask(self, server: GitServer, body: object, headers: dict[str, str], *, chunked: bool = False) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        given = {"Authorization": basic("cnr_read"), "Content-Type": "application/x-git-upload-pack-request", **headers}
        connection.request("POST", "/git/acme/shop.git/git-upload-pack", body=body, headers=given, encode_chunked=chunked)  # type: ignore[arg-type]
        answer = connection.getresponse()
        assert answer.status == 200
        data = answer.read()
        connection.close()
        return data

    def test_a_compressed_body_is_understood(self, server: GitServer, ada: Person) -> None:
        body = gzip.compress(self._wanted(server, ada))
        assert b"PACK" in self._ask(server, body, {"Content-Encoding": "gzip"})

    def test_a_body_in_pieces_is_understood(self, server: GitServer, ada: Person) -> None:
        wanted = self._wanted(server, ada)
        pieces = iter([wanted[:10], wanted[10:]])
        assert b"PACK" in self._ask(server, pieces, {"Transfer-Encoding": "chunked"}, chunked=True)

    def test_git_is_ended_when_the_client_goes_in_the_middle(self, server: GitServer, ada: Person) -> None:
        ada.git("push", server.url("shop"), "main")
        before = {process.pid for process in backends()}
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(
                f"POST /git/acme/shop.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: {basic('cnr_deploy')}\r\n"
                "Content-Type: application/x-git-receive-pack-request\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n00a0\r\n".encode()
            )
            self._until(lambda: bool({process.pid for process in backends()} - before))
        self._until(lambda: not {process.pid for process in backends()} - before)

    def test_a_push_that_is_too_large_is_told_so(self, home: Home, database: Database, ada: Person) -> None:
        with GitServer(home, database, upload_limit=1) as server:
            ada.commit({"big": os.urandom(6 << 20)})
            result = ada.git("push", server.url("shop"), "main:other", check=False)
            assert result.returncode != 0
            assert "maximum allowed size" in result.stderr
            assert ada.git("ls-remote", server.url("shop")).stdout == ""

    @staticmethod
    def _until(condition: object) -> None:
        stop = time.monotonic() + 60
        while not condition():  # type: ignore[operator]
            assert time.monotonic() < stop
            time.sleep(0.02)
