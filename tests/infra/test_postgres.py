"""PostgreSQL from the wheel, with real processes: set up, started, found, killed, stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from canonry.core.errors import CanonryError, Conflict
from canonry.core.paths import Home
from canonry.infra.postgres import Postgres, programs
from canonry.infra.processes import is_alive
from tests.support.old_postgres import older_data, older_programs
from tests.support.waiting import until


@pytest.fixture
def home(tmp_path: Path, postgres_server: Postgres) -> Home:
    made = Home(tmp_path / "a home with a space")
    made.create()
    made.toolchains.rmdir()
    made.toolchains.symlink_to(postgres_server.home.toolchains)  # the programs are unpacked once for the session
    return made


@pytest.fixture
def server(home: Home) -> Iterator[Postgres]:
    made = Postgres(home)
    yield made
    made.stop()


def test_a_first_start_sets_everything_up_and_a_second_finds_it(server: Postgres, home: Home) -> None:
    process = server.ensure()
    assert server.ensure() == process
    assert Postgres(home).find() == process
    with psycopg.connect(server.url.reveal()) as connection:
        row = connection.execute("SELECT current_database(), current_setting('data_checksums'), pg_encoding_to_char(encoding)"
                                 " FROM pg_database WHERE datname = current_database()").fetchone()  # fmt: skip
    assert row == ("canonry", "on", "UTF8")


def test_it_starts_again_in_a_moment_with_its_data(server: Postgres) -> None:
    server.ensure()
    with psycopg.connect(server.url.reveal()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    server.stop()
    assert server.find() is None
    server.ensure()
    with psycopg.connect(server.url.reveal()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_nobody_gets_in_without_the_password_or_over_tcp(server: Postgres, home: Home) -> None:
    server.ensure()
    for password in ("", ":wrong"):
        with pytest.raises(psycopg.OperationalError, match=r"password"):
            psycopg.connect(f"postgresql://canonry{password}@/canonry?host={str(home.run).replace(' ', '%20')}")
    with psycopg.connect(server.url.reveal()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert home.run.stat().st_mode & 0o077 == 0
    assert (home.postgres / "password").stat().st_mode & 0o077 == 0


def test_the_password_is_in_no_text_of_the_server_object(server: Postgres) -> None:
    server.ensure()
    assert str(server.url) == "[redacted]"


def test_kill_of_the_postmaster_is_noticed_and_mended(server: Postgres) -> None:
    process = server.ensure()
    with psycopg.connect(server.url.reveal()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: server.find() is None)
    until(lambda: _ensured(server))
    assert server.find() != process
    with psycopg.connect(server.url.reveal()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_kill_of_a_backend_leaves_the_server_in_place(server: Postgres) -> None:
    process = server.ensure()
    with psycopg.connect(server.url.reveal()) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)
    until(server.answers)
    assert server.find() == process


def test_a_stale_pid_file_that_names_a_stranger_does_not_stop_it(server: Postgres, home: Home) -> None:
    server.ensure()
    server.stop()
    (home.postgres / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{home.postgres / 'data'}\n{int(time.time())}\n5432\n\n\n\n\n")
    (home.run / ".s.PGSQL.5432").touch()
    (home.run / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    assert server.find() is None
    server.ensure()
    assert server.answers()


def test_a_cleared_folder_of_sockets_is_mended(server: Postgres, home: Home) -> None:
    process = server.ensure()
    (home.run / ".s.PGSQL.5432").unlink()
    assert not server.is_running()
    server.ensure()
    assert server.answers()
    assert not is_alive(process)


def test_data_of_another_major_version_is_a_conflict(server: Postgres, home: Home) -> None:
    server.ensure()
    server.stop()
    (home.postgres / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(Conflict) as caught:
        server.ensure()
    assert caught.value.code == "database_version"
    (home.postgres / "data" / "PG_VERSION").write_text("18\n")


def test_data_of_an_older_major_version_goes_on_with_the_programs_of_then(home: Home) -> None:
    """A Canonry that brings a newer PostgreSQL: its own data stays on the one that made it, whose programs are still here."""
    shared = home.toolchains.resolve()
    home.toolchains.unlink()
    home.toolchains.mkdir()
    for entry in shared.iterdir():
        (home.toolchains / entry.name).symlink_to(entry)
    older = older_programs(home.toolchains)
    home.postgres.mkdir(parents=True, exist_ok=True)
    older_data(home.postgres / "data", older)
    (home.postgres / "password").write_text("secret\n")
    server = Postgres(home, archive=True)
    try:
        server.ensure()
        with psycopg.connect(server.url.reveal()) as connection:
            assert connection.info.server_version // 10_000 == 15
            assert connection.execute("SHOW archive_mode").fetchone() == ("on",)
    finally:
        server.stop()


def test_of_several_programs_of_an_older_version_the_newest_are_taken(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    for name in ("postgresql-15.2", "postgresql-15.10", "postgresql-16.1"):
        (folder / name / "bin").mkdir(parents=True)
        (folder / name / "bin" / "postgres").touch()
    ours = programs.unpack(home.toolchains)
    assert programs.of_version(folder, 15, ours=ours) == folder / "postgresql-15.10" / "bin"
    assert programs.of_version(folder, programs.major_version(ours), ours=ours) == ours
    assert programs.of_version(folder, 14, ours=ours) is None
    with pytest.raises(Conflict) as caught:
        programs.require_of_version(home.toolchains, 990_001, "The backup bak_1")
    assert caught.value.code == "database_version"
    assert "PostgreSQL 99" in caught.value.message
    assert "Canonry that brought" in caught.value.hint


def test_a_lost_password_is_said_plainly(server: Postgres, home: Home) -> None:
    server.ensure()
    server.stop()
    (home.postgres / "password").unlink()
    with pytest.raises(Conflict) as caught:
        server.ensure()
    assert caught.value.code == "database_password_missing"


def test_a_setting_that_postgres_refuses_is_reported_with_its_reason(home: Home) -> None:
    server = Postgres(home, settings={"shared_buffers": "much"})
    with pytest.raises(CanonryError, match="shared_buffers") as caught:
        server.ensure()
    assert caught.value.code == "postgres_start_failed"
    assert server.find() is None


def test_an_administrators_settings_win(server: Postgres, home: Home) -> None:
    home.postgres.mkdir(exist_ok=True)
    (home.postgres / "local.conf").write_text("work_mem = '7MB'\n")
    server.ensure()
    with psycopg.connect(server.url.reveal()) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("7MB",)


def test_a_set_up_that_was_interrupted_is_done_again(server: Postgres, home: Home) -> None:
    left_over = home.postgres / "data.0123.tmp"
    left_over.mkdir(parents=True)
    (left_over / "half").touch()
    server.ensure()
    assert not left_over.exists()


def test_it_outlives_the_process_that_started_it(home: Home) -> None:
    program = ("import sys; from pathlib import Path; from canonry.core.paths import Home; from canonry.infra.postgres import Postgres;"
               "print(Postgres(Home(Path(sys.argv[1]))).ensure().pid, flush=True); import time; time.sleep(60)")  # fmt: skip
    starter = subprocess.Popen([sys.executable, "-c", program, str(home.root)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    starter.stdout.close()
    server = Postgres(home)
    process = server.find()
    try:
        assert process is not None
        assert process.pid == pid
        assert server.answers()
    finally:
        server.stop()
    assert server.find() is None


def _ensured(server: Postgres) -> bool:
    try:
        server.ensure()
    except CanonryError:  # the dead server's children have not all gone yet
        return False
    return True
