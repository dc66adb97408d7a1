"""A whole Canonry of which only the archive and its key are left, what can be done with these, and what has to be there afterwards."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from canonry.core.paths import Home
from canonry.core.settings import read_settings
from canonry.wiring.objects import make_objects
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
    """A Canonry with everything in it, of which only an archive and a key are left.

    place: where its archive is, as CANONRY_BACKUPS_URL says it. settings: what it takes to get there.
    """

    def __init__(self, folder: Path, place: str, **settings: str) -> None:
        self.folder, self.place = folder, place
        self.key = folder / "key"
        self.work = folder / "work"
        self.canonry = Canonry(folder / "old", free_port(), {"CANONRY_BACKUPS_URL": place, **settings})

    @property
    def folder_of_archive(self) -> Path:
        """The archive, when it is a folder."""
        return Path(self.place)

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
        settings = read_settings(self.canonry.environment)
        return {item.key for item in make_objects(settings, Home(settings.home_path)).list("wal") if "/platform-" in item.key}

    def lose(self) -> None:
        """Write one more row, wait no longer than the archive needs, and lose the machine."""
        before = self.segments()
        self.canonry.must("projects", "create", "late")
        eventually(self.segments, lambda now: len(now - before) >= 2, within=60)
        for name in ("canonry", "postgres", "caddy"):
            self.canonry.kill(name)
        self.canonry.down()  # the apps and databases, which a power cut would have ended as well
        shutil.rmtree(self.canonry.home)

    def restore(self, target: Canonry, *, archive: Path | str | None = None, key: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`canonry restore` into the home of `target`."""
        return target.command(*self.words(archive, key))

    def words(self, archive: Path | str | None = None, key: Path | None = None) -> tuple[str, ...]:
        """Return the words of `canonry restore`."""
        return ("restore", "--from", str(archive or self.place), "--key-file", str(key or self.key))


def kill_in_the_middle(lost: Lost, target: Canonry, written: str) -> None:
    """`kill -9` a restore as soon as it has written that into the home, which nothing starts from then on."""
    words = [sys.executable, "-m", "canonry.cli.main", *lost.words()]
    attempt = subprocess.Popen(words, env=target.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually((target.home / written).exists, bool, within=60, every=0.005)
    os.kill(attempt.pid, signal.SIGKILL)
    attempt.wait()
    assert (target.home / ".restoring").exists()
    refused = target.command("up", "--detach")
    assert (refused.returncode != 0, "half" in refused.stderr or "not whole" in refused.stderr) == (True, True)
    target.command("down")  # a PostgreSQL that was only recovering


def shows_everything(lost: Lost, target: Canonry) -> None:
    """Look at all that was lost in the Canonry that runs now, change it, and back that up."""
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
