"""A database from its making to its end, as a user and an app meet it: real servers, a real app, load on it while passwords change."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.canonry import Canonry, eventually, running_canonry
from tests.support.databases import answers, ask
from tests.support.git import Person
from tests.support.load import count_while
from tests.support.notes import write_notes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def canonry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canonry]:
    folder = tmp_path_factory.mktemp("databases")
    with running_canonry(folder, CANONRY_ALLOW_FILE_URLS="1", CANONRY_DRAIN_SECONDS="2", CANONRY_STOP_GRACE="2") as started:
        yield started


def visit(canonry: Canonry, slug: str) -> str:
    answer = canonry.site(slug)
    assert answer.status == 200, answer.text
    return answer.text


def database(canonry: Canonry, slug: str) -> dict[str, Any]:
    return dict(canonry.api("GET", f"/v1/projects/{slug}/database"))


@pytest.mark.contract("Canner", "POST /v1/projects/{slug}/database")
@pytest.mark.contract("Canner", "DELETE /v1/projects/{slug}/database")
@pytest.mark.criterion("databases#database-url", "databases#rotation-harmless")
def test_from_the_first_table_over_a_rotation_under_load_to_the_end(canonry: Canonry, tmp_path: Path) -> None:
    canonry.must("projects", "create", "notes")
    url = canonry.must("db", "create", "--project", "notes").strip()
    assert answers(url)
    assert canonry.command("db", "create", "--project", "notes").returncode != 0
    done = canonry.deploy(write_notes(tmp_path / "notes"), "notes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert visit(canonry, "notes").endswith("as app_1")
    first = canonry.api("GET", "/v1/projects/notes/deployments")["deployments"][0]["id"]

    made: list[str] = []

    def rotate() -> None:
        made.append(canonry.must("db", "rotate", "--project", "notes").strip())
        eventually(lambda: visit(canonry, "notes"), lambda text: text.endswith("as app_2"), within=60)
        eventually(lambda: database(canonry, "notes")["rotation"], lambda rotation: rotation is None, within=60)

    counts = count_while(rotate, canonry.port, f"notes.localhost:{canonry.port}", seconds=5, rate=20, enough=50)
    assert counts.lost == []
    assert counts.right >= 50
    assert not answers(url)
    assert answers(made[0])
    log = canonry.must("logs", "--project", "notes")
    assert url.rpartition("@")[0].rpartition(":")[2] not in log
    assert "with the password [redacted]" in log

    canonry.must("rollback", first, "--project", "notes")
    assert visit(canonry, "notes").endswith("as app_2")

    asked = canonry.must("db", "psql", "--project", "notes", "-c", "SELECT count(*) > 50 AS many FROM visits")
    assert "t" in asked.split()
    assert canonry.command("db", "rm", "--project", "notes").returncode != 0  # nobody confirmed
    assert canonry.must("db", "rm", "--project", "notes", "--yes") is not None
    assert not answers(made[0])
    shown = canonry.command("db", "info", "--project", "notes", "--json")
    assert "database_not_found" in shown.stdout + shown.stderr


@pytest.mark.criterion("databases#survives-kill")
def test_killed_with_its_machine_it_is_back_with_every_row(canonry: Canonry) -> None:
    canonry.must("projects", "create", "kept")
    url = canonry.must("db", "create", "--project", "kept").strip()
    ask(url, "CREATE TABLE t (n int)")
    for _ in range(20):
        ask(url, "INSERT INTO t SELECT count(*) FROM t")
    for pid in pids_of(database(canonry, "kept")["id"]):
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: answers(url) and ask(url, "SELECT count(*) FROM t"), lambda rows: rows == [(20,)], within=60)
    assert database(canonry, "kept")["status"] == "active"


@pytest.mark.criterion("databases#failed-migration")
def test_a_migration_that_fails_or_is_killed_leaves_the_old_release_and_the_data(canonry: Canonry, tmp_path: Path) -> None:
    canonry.must("projects", "create", "moves")
    url = canonry.must("db", "create", "--project", "moves").strip()
    assert canonry.deploy(write_notes(tmp_path / "one"), "moves").returncode == 0
    assert visit(canonry, "moves").startswith("one ")

    fails = 'with psycopg.connect(os.environ["DATABASE_URL"]) as c:\n    c.execute("DROP TABLE visits")\n    raise SystemExit(3)\n'
    failed = canonry.deploy(write_notes(tmp_path / "two", "two", migration=fails), "moves")
    assert failed.returncode != 0
    assert "release command" in failed.stdout + failed.stderr
    assert visit(canonry, "moves").startswith("one ")

    slow = (
        "import time\nwith psycopg.connect(os.environ['DATABASE_URL'], autocommit=True) as c:\n"
        "    c.execute('CREATE TABLE IF NOT EXISTS tries (n int)')\n    c.execute('INSERT INTO tries VALUES (1)')\n"
        "    tries = c.execute('SELECT count(*) FROM tries').fetchone()[0]\n"
        "with psycopg.connect(os.environ['DATABASE_URL']) as c:\n    c.execute('ALTER TABLE visits ADD COLUMN more int')\n"
        "    time.sleep(600 if tries == 1 else 0)\n"
    )
    deploying = canonry.command(
        "deploy", str(write_notes(tmp_path / "three", "three", migration=slow)), "--project", "moves", "--no-follow"
    )
    assert deploying.returncode == 0, deploying.stderr
    eventually(lambda: ask(url, "SELECT count(*) FROM pg_tables WHERE tablename = 'tries'"), lambda rows: rows == [(1,)], within=90)
    eventually(lambda: ask(url, "SELECT count(*) FROM tries"), lambda rows: rows == [(1,)], within=30)
    time.sleep(0.5)
    canonry.kill("canonry")
    canonry.up()
    eventually(lambda: visit(canonry, "moves"), lambda text: text.startswith("three "), within=120)
    assert ask(url, "SELECT count(*) FROM tries") == [(2,)]


def test_a_preview_has_a_masked_copy_of_its_own_until_it_closes(canonry: Canonry, tmp_path: Path) -> None:
    ada = Person(tmp_path / "ada")
    write_notes(ada.tree)
    (ada.tree / "canonry.toml").write_text('[database]\nmask = "db/mask.sql"\n')
    (ada.tree / "db").mkdir()
    (ada.tree / "db" / "mask.sql").write_text("UPDATE people SET email = 'person-' || id || '@example.com';\n")
    ada.commit({})
    canonry.must("git", "connect", ada.url, "--project", "masked", cwd=tmp_path)
    url = canonry.must("db", "create", "--project", "masked").strip()
    ask(url, "CREATE TABLE people (id int, email text)")
    ask(url, "INSERT INTO people VALUES (1, 'grace@navy.mil')")
    canonry.must("git", "deploy", "--project", "masked")
    assert visit(canonry, "masked").startswith("one ")

    ada.git("checkout", "--quiet", "-b", "next")
    (ada.tree / "db" / "mask.sql").write_text("RESET ROLE; ALTER ROLE app_1 SUPERUSER;\n")
    ada.commit({})
    refused = canonry.command("previews", "create", "next", "--project", "masked")
    assert refused.returncode != 0
    assert "could not be masked" in refused.stdout + refused.stderr
    assert [row["environment"] for row in canonry.api("GET", "/v1/projects/masked/databases")["databases"]] == ["production"]

    (ada.tree / "db" / "mask.sql").write_text("UPDATE people SET email = 'person-' || id || '@example.com';\n")
    ada.commit({})
    made = canonry.command("previews", "create", "next", "--project", "masked")
    assert made.returncode == 0, made.stdout + made.stderr
    assert "a copy of production's" in made.stdout + made.stderr
    assert visit(canonry, "masked-next").startswith("one ")
    own = canonry.must("db", "url", "--project", "masked", "-e", "preview/next").strip()
    assert ask(own, "SELECT email FROM people") == [("person-1@example.com",)]
    assert ask(url, "SELECT email FROM people") == [("grace@navy.mil",)]
    ask(own, "DROP TABLE people")
    assert ask(url, "SELECT count(*) FROM people") == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="password"):  # production's password is none here
        ask(url.replace(url.rpartition("@")[2], own.rpartition("@")[2]), "SELECT 1")

    canonry.must("previews", "rm", "next", "--project", "masked")
    left = eventually(lambda: sorted(path.name for path in (canonry.home / "databases").glob("db_*")), lambda names: len(names) >= 1)
    assert database(canonry, "masked")["id"] in left
    eventually(lambda: answers(own), lambda answer: answer is False)
    assert answers(url)


def pids_of(cluster: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(cluster.encode() in word for word in words) and words[0].endswith(b"postgres"):
                found.append(int(entry.name))
    assert found
    return found


def test_what_the_command_line_prints_as_json_is_what_the_api_answers(canonry: Canonry) -> None:
    canonry.must("projects", "create", "shown")
    canonry.must("db", "create", "--project", "shown", "--tier", "medium", "--disk", "128", "--no-sleep")
    shown = json.loads(canonry.must("db", "info", "--project", "shown", "--json"))
    assert (shown["tier"], shown["limit_bytes"], shown["sleeps"]) == ("medium", 128 << 20, False)
    assert "connection_string" not in shown
    assert json.loads(canonry.must("db", "ls", "--project", "shown", "--json"))[0]["id"] == shown["id"]
