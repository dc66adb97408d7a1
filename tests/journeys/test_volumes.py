"""A volume through all that happens to its app, with real processes: what was written is there afterwards."""

import json
from pathlib import Path

import pytest

from tests.support.canonry import Canonry, eventually, running_canonry

_TOML = """
[[volumes]]
name = "data"
path = "/data"
size = "100MB"

[[volumes]]
name = "uploads"
path = "/app/var/uploads"
size = "100MB"
"""
# Each start notes its version in both volumes, and GET / says which versions ever started. It tries to write where it must not, too.
_APP = """
import http.server, os, signal, sys
VERSION = {version!r}
for folder in ("/data", "/app/var/uploads"):
    if os.path.isdir(folder):
        with open(folder + "/versions", "a") as file:
            file.write(VERSION + " ")
            file.flush()
            os.fsync(file.fileno())
for path in ("/app/written", "/data2", "/usr/written"):
    try:
        open(path, "w").close()
        sys.exit("could write to " + path)
    except OSError:
        pass
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen = [open(f + "/versions").read().strip() if os.path.exists(f + "/versions") else "" for f in ("/data", "/app/var/uploads")]
        body = (VERSION + "|" + "|".join(seen)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def app(folder: Path, version: str, toml: str = _TOML) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text(_APP.format(version=version))
    (folder / "Procfile").write_text("web: python main.py\n")
    (folder / "canonry.toml").write_text(toml)
    return folder


def seen(canonry: Canonry) -> tuple[str, str, str]:
    """Return which version answers, and which ever wrote to the two volumes."""
    version, data, uploads = canonry.site("shop").text.split("|")
    return version, data, uploads


def listed(canonry: Canonry) -> dict[str, dict[str, object]]:
    return {item["name"]: item for item in json.loads(canonry.must("volumes", "ls", "--project", "shop", "--json"))}


@pytest.mark.slow
def test_what_an_app_writes_outlives_deploys_crashes_and_rollbacks(tmp_path: Path) -> None:
    with running_canonry(tmp_path) as canonry:
        source = app(tmp_path / "shop", "one")
        planned = json.loads(canonry.must("plan", str(source), "--json"))
        assert [volume["path"] for volume in planned["volumes"]] == ["/data", "/app/var/uploads"]
        assert canonry.deploy(source, "shop").returncode == 0
        assert seen(canonry) == ("one", "one", "one")
        before = listed(canonry)

        assert canonry.deploy(app(source, "two"), "shop").returncode == 0
        eventually(lambda: seen(canonry), lambda answer: answer == ("two", "one two", "one two"))

        canonry.kill("canonry")  # and everything of it again: the app is found, then started anew
        canonry.up()
        assert seen(canonry)[1] == "one two"
        canonry.must("projects", "stop", "shop")
        canonry.must("projects", "start", "shop")
        eventually(lambda: seen(canonry), lambda answer: answer == ("two", "one two two", "one two two"))

        canonry.must("rollback", "--project", "shop")
        eventually(lambda: seen(canonry), lambda answer: answer == ("one", "one two two one", "one two two one"))

        assert canonry.deploy(app(source, "three", _TOML.partition('[[volumes]]\nname = "uploads"')[0]), "shop").returncode == 0
        assert seen(canonry) == ("three", "one two two one three", "")
        after = listed(canonry)
        assert {name: item["id"] for name, item in after.items()} == {name: item["id"] for name, item in before.items()}
        assert (after["data"]["status"], after["uploads"]["status"]) == ("attached", "detached")
        uploads = canonry.home / "volumes" / str(after["uploads"]["id"])
        assert (uploads / "versions").read_text() == "one two two one "
        refused = canonry.command("volumes", "rm", "data", "--yes", "--project", "shop")
        assert refused.returncode != 0
        assert "uses the volume" in refused.stderr
        canonry.must("volumes", "rm", "uploads", "--yes", "--project", "shop")
        eventually(uploads.exists, lambda there: not there)
        assert seen(canonry)[1] == "one two two one three"

        canonry.must("projects", "rm", "shop", "--yes")
        eventually(lambda: list((canonry.home / "volumes").iterdir()), lambda left: not left)
