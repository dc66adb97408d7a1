"""The migrations' runner, on a real PostgreSQL."""

from pathlib import Path
from threading import Thread

import psycopg
import pytest

from canonry.core.errors import Conflict, Invalid, Unavailable
from canonry.core.secret import Secret
from canonry.infra.db import Database
from canonry.infra.migrations import migrate, migrations_folder

_FIRST = "2026_01_01_0000_first.sql"
_SECOND = "2026_01_02_0000_second.sql"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / _FIRST).write_text("CREATE TABLE one (id int); INSERT INTO one VALUES (1);")
    return tmp_path


def test_a_new_database_gets_the_queue_and_every_file_in_order(empty_database_url: Secret, folder: Path) -> None:
    (folder / _SECOND).write_text("CREATE TABLE two (share text); INSERT INTO two VALUES ('100%s');")
    applied = migrate(empty_database_url, folder)
    assert applied[0].startswith("procrastinate/")
    assert applied[1:] == [_FIRST, _SECOND]
    with psycopg.connect(empty_database_url.reveal()) as connection:
        assert connection.execute("SELECT count(*) FROM procrastinate_jobs").fetchone() == (0,)
        assert connection.execute("SELECT share FROM two").fetchone() == ("100%s",)


def test_a_second_run_applies_nothing_and_a_new_file_is_applied_alone(empty_database_url: Secret, folder: Path) -> None:
    migrate(empty_database_url, folder)
    assert migrate(empty_database_url, folder) == []
    (folder / _SECOND).write_text("CREATE TABLE two (id int)")
    assert migrate(empty_database_url, folder) == [_SECOND]


def test_a_failing_file_leaves_nothing_behind_and_is_named(empty_database_url: Secret, folder: Path) -> None:
    (folder / _SECOND).write_text("CREATE TABLE two (id int); SELECT 1/0;")
    with pytest.raises(Unavailable, match="second") as caught:
        migrate(empty_database_url, folder)
    assert caught.value.code == "migration_failed"
    with psycopg.connect(empty_database_url.reveal()) as connection:
        assert connection.execute("SELECT to_regclass('two')").fetchone() == (None,)
    (folder / _SECOND).write_text("CREATE TABLE two (id int)")
    assert migrate(empty_database_url, folder) == [_SECOND]


def test_a_database_that_knows_more_is_newer(empty_database_url: Secret, folder: Path) -> None:
    (folder / _SECOND).write_text("CREATE TABLE two (id int)")
    migrate(empty_database_url, folder)
    (folder / _SECOND).unlink()
    with pytest.raises(Conflict) as caught:
        migrate(empty_database_url, folder)
    assert caught.value.code == "database_newer"
    assert _SECOND in caught.value.message


def test_an_applied_file_must_not_change(empty_database_url: Secret, folder: Path) -> None:
    migrate(empty_database_url, folder)
    (folder / _FIRST).write_text("CREATE TABLE one (id bigint);")
    with pytest.raises(Conflict) as caught:
        migrate(empty_database_url, folder)
    assert caught.value.code == "migration_changed"


def test_a_file_with_another_name_is_refused_before_anything_runs(empty_database_url: Secret, folder: Path) -> None:
    (folder / "fix.sql").write_text("CREATE TABLE two (id int)")
    with pytest.raises(Invalid):
        migrate(empty_database_url, folder)
    with psycopg.connect(empty_database_url.reveal()) as connection:
        assert connection.execute("SELECT to_regclass('one')").fetchone() == (None,)


def test_an_older_queue_gets_only_the_files_it_lacks(empty_database_url: Secret, folder: Path) -> None:
    migrate(empty_database_url, folder)
    newest = "procrastinate/03.04.00_50_post_add_retry_failed_job_procedure.sql"
    with psycopg.connect(empty_database_url.reveal()) as connection:
        connection.execute("DELETE FROM schema_migrations WHERE name = %s", [newest])
    assert migrate(empty_database_url, folder) == [newest]


def test_processes_that_migrate_at_once_apply_each_file_once(empty_database_url: Secret, folder: Path) -> None:
    results: list[list[str]] = []
    threads = [Thread(target=lambda: results.append(migrate(empty_database_url, folder))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(names) for names in results) == [0, 0, 0, 2]


def test_the_real_history_applies_to_a_new_database(database: Database) -> None:
    with database.connection() as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM schema_migrations")}
    assert {file.name for file in migrations_folder().glob("*.sql")} <= names


def test_a_database_that_does_not_answer_is_unavailable(folder: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        migrate(Secret(f"postgresql://nobody@/none?host={folder}"), folder)
    assert caught.value.code == "database_unavailable"
