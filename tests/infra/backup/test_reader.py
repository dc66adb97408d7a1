"""Rows are counted without the app's code ever being more than the app."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from canonry.adapters.objects.folder import FolderObjects
from canonry.core.secret import Secret
from canonry.features.backups.restores import comparison
from canonry.infra.backup import counting, dump
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.key import new_key
from canonry.infra.backup.reader import reading
from tests.support.clusters import BareCluster, BareClusters

# What a hostile app does: the planner carries `evil` out wherever it plans a query over t, as whoever asks.
_HOSTILE = """
CREATE FUNCTION danger(target text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    BEGIN PERFORM set_config('role', 'canonry', false); EXCEPTION WHEN OTHERS THEN NULL; END;
    BEGIN PERFORM set_config('session_authorization', 'canonry', false); EXCEPTION WHEN OTHERS THEN NULL; END;
    BEGIN EXECUTE format('COPY (SELECT session_user) TO %L', target); EXCEPTION WHEN OTHERS THEN NULL; END;
END $$;
CREATE FUNCTION evil(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM public.danger('TARGET'); RETURN n; END $$;
CREATE TABLE t AS SELECT n FROM generate_series(1, 3) AS n;
CREATE INDEX ON t ((n + evil(1)));
CREATE STATISTICS s ON (n + evil(2)), n FROM t;
"""


@pytest.fixture
def main(bare_clusters: BareClusters) -> BareCluster:
    main = bare_clusters.new()
    main.ask("CREATE ROLE app NOLOGIN")
    main.ask("CREATE ROLE app_1 LOGIN PASSWORD 'of-the-app' IN ROLE app")
    main.ask("ALTER ROLE app_1 SET role = app")
    main.ask("CREATE DATABASE app OWNER app")
    main.ask("REVOKE ALL ON DATABASE app FROM PUBLIC")
    return main


@pytest.fixture
def archive(bare_clusters: BareClusters) -> Archive:
    return Archive(FolderObjects(bare_clusters.root / "archive"), new_key(), "db_1")


def as_app(main: BareCluster, statements: str) -> None:
    main.ask(f"SET ROLE app; {statements}", "app")


def test_functions_of_the_app_are_not_carried_out_as_superuser(bare_clusters: BareClusters, main: BareCluster, archive: Archive) -> None:
    stolen = main.data / "stolen"
    as_app(main, _HOSTILE.replace("TARGET", str(stolen)))
    stolen.unlink(missing_ok=True)
    main.ask("SELECT count(*) FROM t", "app")
    assert stolen.exists(), "the attack works on a superuser, else this test shows nothing"
    stolen.unlink()
    assert counting.mark(main.url(), "here").counts["app"] == {"public.t": 3}
    assert counting.count(main.url())["app"] == {"public.t": 3}
    assert dump.take(main.url("app"), archive, bare_clusters.programs, dump_id="d1").counts == {"public.t": 3}
    assert {name: table.rows for name, table in comparison.look(main.url("app"), time.monotonic() + 60).items()} == {"public.t": 3}
    assert not stolen.exists()


def test_nobody_signs_in_as_the_reader_afterwards(main: BareCluster) -> None:
    with reading(main.url(), ["app"]) as connections:
        rows = connections["app"].execute("SELECT session_user::text, current_setting('is_superuser')").fetchone()
        assert rows == ("canonry_reader", "off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connections["app"].execute("CREATE TABLE public.t ()")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connections["app"].execute("SET ROLE canonry")
    query = "SELECT rolcanlogin, rolsuper, rolcreaterole, rolpassword IS NULL FROM pg_authid WHERE rolname = 'canonry_reader'"
    assert main.ask(query) == [(False, False, False, True)]


def test_row_security_hides_nothing_and_a_table_that_cannot_be_read_stops_nothing(main: BareCluster) -> None:
    as_app(main, "CREATE TABLE hidden AS SELECT n FROM generate_series(1, 5) AS n; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY")
    as_app(main, "ALTER TABLE hidden FORCE ROW LEVEL SECURITY; CREATE POLICY none ON hidden USING (false)")
    as_app(main, """CREATE FUNCTION fails(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
        IF session_user = 'canonry_reader' THEN RAISE EXCEPTION 'not for you'; END IF; RETURN n; END $$""")  # fmt: skip
    as_app(main, "CREATE TABLE refuses (n int); CREATE INDEX ON refuses ((n + fails(1)))")
    as_app(main, "CREATE TABLE plain AS SELECT 1 AS n")
    as_app(main, "REVOKE ALL ON plain FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC")
    assert counting.mark(main.url(), "here").counts["app"] == {"public.hidden": 5, "public.plain": 1, "public.refuses": None}


def test_several_count_at_once(main: BareCluster) -> None:
    as_app(main, "CREATE TABLE t AS SELECT n FROM generate_series(1, 7) AS n")
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _number: counting.count(main.url())["app"], range(12)))
    assert found == [{"public.t": 7}] * 12


def test_where_we_are_no_superuser_the_app_itself_counts(bare_clusters: BareClusters, main: BareCluster, archive: Archive) -> None:
    (main.data / "pg_hba.conf").write_text("local all app_1 scram-sha-256\nlocal all all trust\n")
    main.ask("SELECT pg_reload_conf()")
    as_app(main, """CREATE FUNCTION ours(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
        IF session_user <> 'app_1' AND session_user <> 'canonry' THEN RAISE EXCEPTION 'who?'; END IF; RETURN n; END $$""")  # fmt: skip
    as_app(main, "CREATE TABLE t AS SELECT n FROM generate_series(1, 4) AS n; CREATE INDEX ON t ((n + ours(1)))")
    login = ("app_1", Secret("of-the-app"))
    assert dump.take(main.url("app"), archive, bare_clusters.programs, dump_id="d1", login=login).counts == {"public.t": 4}
    assert dump.take(main.url("app"), archive, bare_clusters.programs, dump_id="d2").counts == {"public.t": None}
