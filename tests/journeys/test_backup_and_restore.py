"""Everything is lost but the archive and its key: an empty home becomes the same Canonry again, or says by name why not."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canonry import Canonry, eventually, free_port, write_site

_NOTES = """
import http.server, os, pathlib
NOTES = pathlib.Path("/data/notes.txt")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/add/"):
            with NOTES.open("a") as file:
                file.write(self.path[5:] + ";")
        body = ((NOTES.read_text() if NOTES.exists() else "") + " word=" + os.environ.get("WORD", "none")).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


class Lost:
    """A Canonry with everything in it, of which only an archive and a key are left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = folder / "the archive"
        self.key = folder / "key"
        self.work = folder / "work"
        self.canonry = Canonry(folder / "old", free_port(), {"CANONRY_BACKUPS_URL": str(self.archive)})

    def fill(self) -> None:
        """Make a site, an app with a volume, a variable and a database, and a repository that was pushed; back it up."""
        canonry = self.canonry
        (canonry.home / "postgres").mkdir(parents=True)
        (canonry.home / "postgres" / "local.conf").write_text("archive_timeout = 2\n")  # 60 seconds in earnest
        canonry.up()
        canonry.must("deploy", str(write_site(self.folder / "site", "hello from before")), "--project", "site")
        app = self.folder / "app"
        app.mkdir()
        (app / "main.py").write_text(_NOTES)
        (app / "Procfile").write_text("web: python main.py\n")
        (app / "canonry.toml").write_text('[[volumes]]\nname = "data"\npath = "/data"\nsize = "50MB"\n')
        canonry.must("projects", "create", "notes")
        canonry.must("db", "create", "--project", "notes")
        rows = "CREATE TABLE t (x int); INSERT INTO t SELECT generate_series(1, 100)"
        canonry.must("db", "psql", "--project", "notes", "-c", rows)
        assert canonry.command("env", "set", "WORD", "--project", "notes", stdin="abracadabra").returncode == 0
        canonry.must("deploy", str(app), "--project", "notes")
        assert canonry.site("notes", "/add/first").status == 200
        self.work.mkdir()
        self.git("init", "-q", "-b", "main")
        self.push(canonry, "pushed before")
        canonry.must("backup", "create")
        self.key.write_text(canonry.must("backup", "key"))

    def push(self, canonry: Canonry, text: str) -> None:
        """Commit and push a site, which is deployed."""
        write_site(self.work, text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", text)
        handle = canonry.api("GET", "/v1/me")["account"]["handle"]
        self.git("push", "-q", f"http://x:{canonry.token()}@127.0.0.1:{canonry.port}/git/{handle}/pushed.git", "main")

    def git(self, *words: str) -> None:
        """Run git in the clone."""
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        done = subprocess.run(["git", *identity, *words], cwd=self.work, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def segments(self) -> set[str]:
        """Return what the archive has of Canonry's own WAL."""
        return {path.name for path in self.archive.glob("wal/platform-*/*/*")}

    def lose(self) -> None:
        """Write one more row, wait no longer than the archive needs, and lose the machine."""
        before = self.segments()
        self.canonry.must("projects", "create", "late")
        eventually(self.segments, lambda now: len(now - before) >= 2, within=60)
        for name in ("canonry", "postgres", "caddy"):
            self.canonry.kill(name)
        self.canonry.down()  # the apps and databases, which a power cut would have ended as well
        shutil.rmtree(self.canonry.home)

    def restore(self, target: Canonry, *, archive: Path | None = None, key: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`canonry restore` into the home of `target`."""
        return target.command("restore", "--from", str(archive or self.archive), "--key-file", str(key or self.key))


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    made = Lost(tmp_path_factory.mktemp("lost"))
    try:
        made.fill()
        made.lose()
        yield made
    finally:
        made.canonry.down()


@pytest.fixture
def target(tmp_path: Path) -> Canonry:
    return Canonry(tmp_path / "new", free_port())


def copied(lost: Lost, tmp_path: Path) -> Path:
    return Path(shutil.copytree(lost.archive, tmp_path / "copy"))


def test_a_new_home_is_the_same_canonry_after_a_kill_in_the_middle(lost: Lost, target: Canonry) -> None:
    target.folder.mkdir()
    words = [sys.executable, "-m", "canonry.cli.main", "restore", "--from", str(lost.archive), "--key-file", str(lost.key)]
    for written in ("secret.key", "postgres/data"):  # killed while parts are unpacked, and while rows are brought back
        attempt = subprocess.Popen(words, env=target.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda path=target.home / written: path.exists(), bool, within=60, every=0.005)  # type: ignore[misc]
        os.kill(attempt.pid, signal.SIGKILL)
        attempt.wait()
        assert (target.home / ".restoring").exists()
        refused = target.command("up", "--detach")
        assert (refused.returncode != 0, "half" in refused.stderr or "not whole" in refused.stderr) == (True, True)
        target.command("down")  # a PostgreSQL that was only recovering
    done = lost.restore(target)
    assert done.returncode == 0, done.stderr
    assert not (target.home / ".restoring").exists()
    target.up()
    try:
        shows_everything(lost, target)
    finally:
        target.down()


def shows_everything(lost: Lost, target: Canonry) -> None:
    assert "hello from before" in eventually(lambda: target.site("site"), lambda answer: answer.status == 200).text
    assert eventually(lambda: target.site("notes"), lambda answer: answer.status == 200, within=60).text == "first; word=abracadabra"
    assert {row["slug"] for row in target.api("GET", "/v1/projects")["projects"]} >= {"site", "notes", "pushed", "late"}
    query = ("db", "psql", "--project", "notes", "-c", "SELECT sum(x) FROM t")
    rows = eventually(lambda: target.command(*query).stdout, lambda text: "5050" in text, within=60)
    assert "5050" in rows
    assert "pushed before" in target.site("pushed").text
    lost.push(target, "pushed afterwards")
    assert "pushed afterwards" in eventually(lambda: target.site("pushed"), lambda answer: "afterwards" in answer.text).text
    assert target.must("audit", "verify")
    target.must("backup", "create")  # it goes on being backed up, and the same key opens that too
    assert target.must("backup", "key") == lost.key.read_text()
    assert json.loads(target.must("backup", "verify", "--json"))["faults"] == []


def test_a_home_with_anything_in_it_is_left_as_it_is(lost: Lost, target: Canonry) -> None:
    target.home.mkdir(parents=True)
    (target.home / "thesis").write_text("mine")
    done = lost.restore(target)
    assert (done.returncode != 0, "is not empty" in done.stderr, "thesis" in done.stderr) == (True, True, True)
    assert [path.name for path in target.home.iterdir()] == ["thesis"]


def test_a_wrong_key_is_told_as_that(lost: Lost, target: Canonry, tmp_path: Path) -> None:
    other = tmp_path / "other key"
    other.write_text("canonry-backup-key-" + "A" * 43)
    target.folder.mkdir()
    done = lost.restore(target, key=other)
    assert (done.returncode != 0, "sealed with the key" in done.stderr) == (True, True)
    assert not target.home.exists()
    missing = lost.restore(target, key=tmp_path / "nothing")
    assert "There is no key of backups" in missing.stderr
    assert "no folder" in lost.restore(target, archive=tmp_path / "nothing").stderr


@pytest.mark.parametrize("kind", ["parts/artifact", "parts/state", "repositories", "base/data", "wal"])
def test_one_changed_bit_is_found_and_named(lost: Lost, target: Canonry, tmp_path: Path, kind: str) -> None:
    archive = copied(lost, tmp_path)
    patterns = {"base/data": "base/platform-*/*/data", "wal": "wal/platform-*/*/*", "repositories": "platform/*/repositories/*/*"}
    victim = max(archive.glob(patterns.get(kind, f"platform/*/{kind}/*")))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    target.folder.mkdir()
    done = lost.restore(target, archive=archive)
    assert (done.returncode != 0, "is damaged" in done.stderr, victim.name in done.stderr) == (True, True, True), done.stderr
    assert (target.home / ".restoring").exists()
    assert target.command("up", "--detach").returncode != 0
    verified = target.command("backup", "verify", "--from", str(archive), "--key-file", str(lost.key))
    assert (verified.returncode, victim.name in verified.stdout) == (1, True)


@pytest.mark.parametrize(
    "kind", ["platform/*/parts/artifact/*", "platform/*/repositories/*/*", "base/platform-*/*/info", "base/db_*/*/info"]
)
def test_a_missing_part_is_named(lost: Lost, target: Canonry, tmp_path: Path, kind: str) -> None:
    archive = copied(lost, tmp_path)
    found = sorted(archive.glob(kind))
    # Of several base backups any does, so all are taken away.
    victims = found if kind.endswith("info") else found[:1]
    for victim in victims:
        victim.unlink()
    target.folder.mkdir()
    done = lost.restore(target, archive=archive)
    name = victims[0].parts[-3] if kind.endswith("info") else victims[0].name
    assert (done.returncode != 0, name in done.stderr) == (True, True), done.stderr
    assert target.command("up", "--detach").returncode != 0


def test_the_archive_tells_nothing_without_its_key(lost: Lost) -> None:
    for path in lost.archive.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"abracadabra" not in content
            assert b"hello from before" not in content


def test_a_second_loss_is_no_worse_than_the_first(lost: Lost, tmp_path: Path) -> None:
    archive = copied(lost, tmp_path)
    query = ("db", "psql", "--project", "notes", "-c")
    slugs = []
    for number in (1, 2):
        here = Canonry(tmp_path / f"home {number}", free_port(), {"CANONRY_BACKUPS_URL": str(archive)})
        here.folder.mkdir()
        done = lost.restore(here, archive=archive)
        assert done.returncode == 0, done.stderr
        here.up()
        try:
            slugs = [row["slug"] for row in here.api("GET", "/v1/projects")["projects"]]
            eventually(lambda here=here: here.command(*query, "SELECT 1").returncode, lambda code: code == 0, within=60)  # type: ignore[misc]
            found = here.must(*query, "SELECT count(*) FROM t")
            here.must(*query, "INSERT INTO t VALUES (0)")
            here.must("projects", "create", f"made-in-{number}")
            here.must("backup", "create")
        finally:
            here.down()
        shutil.rmtree(here.home)
    assert "made-in-1" in slugs
    assert "101" in found
