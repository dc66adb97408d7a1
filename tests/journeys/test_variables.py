"""Variables with real builds, real processes and a real database: given to the app, and nowhere to be found."""

import json
import mmap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canonry import Canonry, eventually, running_canonry, write_server

CANARY = "canary-6f1c2e9ab0"
_APP = """
import os
print("starting with", os.environ.get("API_KEY"), flush=True)
"""


@pytest.fixture(scope="module")
def canonry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canonry]:
    with running_canonry(tmp_path_factory.mktemp("variables"), CANONRY_DRAIN_SECONDS="0") as canonry:
        yield canonry


def write_app(folder: Path) -> Path:
    """Write an app that shows $GREETING, a build that prints the secret, and a release command that does."""
    write_server(folder, "greeting=%s", code=_APP)
    server = (folder / "main.py").read_text().replace("(TEXT +", "(TEXT % os.environ.get('GREETING') +")
    (folder / "main.py").write_text(server)
    (folder / "canonry.toml").write_text(
        '[build]\nbuild = "echo building with $API_KEY; echo $GREETING > built-with; sleep 1"\n'
        '[run]\nrelease = "echo migrating with $API_KEY; printf %s $API_KEY | base64"\n'
    )
    return folder


@pytest.mark.criterion("operating#sensitive-sealed")
def test_a_variable_reaches_the_app_at_the_next_deployment_and_a_secret_is_nowhere(canonry: Canonry, tmp_path: Path) -> None:
    folder = write_app(tmp_path / "app")
    canonry.must("projects", "create", "keeper")
    assert canonry.command("env", "set", "API_KEY", "--project", "keeper", stdin=f"{CANARY}\n").returncode == 0
    canonry.must("env", "set", "--plain", "GREETING=hello", "--project", "keeper")

    seen: set[str] = set()
    over = threading.Event()
    watcher = threading.Thread(target=_watch_command_lines, args=(seen, over))
    watcher.start()
    done = canonry.deploy(folder, "keeper")
    over.set()
    watcher.join()
    assert done.returncode == 0, done.stderr
    output = done.stdout + done.stderr
    assert "building with [redacted]" in output
    assert "migrating with [redacted]" in output
    assert CANARY not in output
    assert seen == set()

    assert canonry.site("keeper").text.startswith("greeting=hello ")
    lines = eventually(lambda: canonry.must("logs", "--project", "keeper"), lambda text: "starting with" in text)
    assert "starting with [redacted]" in lines

    canonry.must("env", "set", "--plain", "GREETING=changed", "--project", "keeper")
    assert canonry.site("keeper").text.startswith("greeting=hello ")
    canonry.must("scale", "2", "--project", "keeper")
    eventually(lambda: {canonry.site("keeper").text for _ in range(20)}, lambda texts: len(texts) == 2)
    assert {canonry.site("keeper").text.split()[0] for _ in range(20)} == {"greeting=hello"}
    canonry.must("scale", "1", "--project", "keeper")
    assert canonry.deploy(folder, "keeper").returncode == 0
    eventually(lambda: canonry.site("keeper").text, lambda text: text.startswith("greeting=changed "))
    canonry.must("rollback", "--project", "keeper")
    eventually(lambda: canonry.site("keeper").text, lambda text: text.startswith("greeting=hello "))

    assert CANARY not in canonry.must("env", "ls", "--project", "keeper", "--json")
    own_log = [path for path in _files_with(canonry.folder, CANARY.encode()) if path.parent.name != "instances"]
    assert own_log == []  # but the file that the app itself writes; what is shown of it is masked
    assert _files_with(canonry.home / "artifacts", b"changed")  # the look-up itself works


def test_what_was_sealed_is_still_there_after_a_restart(canonry: Canonry, tmp_path: Path) -> None:
    canonry.must("projects", "create", "lasting")
    canonry.command("env", "set", "API_KEY", "--project", "lasting", stdin="a lasting secret")
    canonry.must("env", "set", "--plain", "GREETING=still here", "--project", "lasting")
    assert canonry.deploy(write_app(tmp_path / "app"), "lasting").returncode == 0
    canonry.kill("canonry")
    canonry.up()
    assert [row["value"] for row in json.loads(canonry.must("env", "ls", "--project", "lasting", "--json"))] == [None, "still here"]
    canonry.api("POST", "/v1/projects/lasting/stop")
    canonry.api("POST", "/v1/projects/lasting/start")
    eventually(lambda: canonry.site("lasting").text, lambda text: text.startswith("greeting=still here "))


def _watch_command_lines(seen: set[str], over: threading.Event) -> None:
    while not over.is_set():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = path.read_bytes().decode(errors="replace")
            except OSError:
                continue
            if CANARY in text:
                seen.add(text)
        time.sleep(0.01)


def _files_with(folder: Path, needle: bytes) -> list[Path]:
    found = []
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file() or path.stat().st_size == 0:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content.find(needle) >= 0:
                found.append(path)
    return found
