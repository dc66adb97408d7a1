"""The API of databases, with real servers behind it."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from canonry.features.databases import making, store
from canonry.features.databases.models import State
from tests.support.api import Api
from tests.support.databases import answers, ask, made, row_of
from tests.support.killed_request import dying


@pytest.mark.criterion("databases#no-superuser")
def test_the_app_signs_in_as_no_superuser_and_what_it_makes_belongs_to_the_owner(api: Api) -> None:
    url = made(api, api.project("shop"))["connection_string"]
    assert ask(url, "SELECT current_user, session_user") == [("app", "app_1")]
    ask(url, "CREATE TABLE t (n int)")
    assert ask(url, "SELECT tableowner FROM pg_tables WHERE tablename = 't'") == [("app",)]
    ask(url, "CREATE EXTENSION pgcrypto; CREATE EXTENSION citext")
    roles = (
        "SELECT bool_or(rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls) FROM pg_roles WHERE rolname ~ '^app'"
    )
    assert ask(url, roles) == [(False,)]
    for statement in (
        "CREATE EXTENSION file_fdw", "COPY t FROM '/etc/passwd'", "COPY t TO PROGRAM 'id'", "CREATE DATABASE other", "CREATE ROLE other",
        "ALTER SYSTEM SET fsync = off", "SET ROLE canonry", "SELECT pg_read_file('/etc/passwd')", "ALTER ROLE app_1 SUPERUSER",
    ):  # fmt: skip
        with pytest.raises(psycopg.Error):
            ask(url, statement)
    for other in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            ask(url.rsplit("/", 1)[0] + f"/{other}", "SELECT 1")


def test_a_tier_decides_how_long_a_statement_may_take_and_a_session_may_ask_for_longer(api: Api) -> None:
    slug = api.project("shop")
    url = made(api, slug)["connection_string"]
    assert ask(url, "SHOW statement_timeout") == [("10min",)]
    with pytest.raises(psycopg.errors.QueryCanceled):
        ask(url, "SET statement_timeout = '50ms'; SELECT pg_sleep(5)")
    changed = api.ask("PATCH", f"/v1/projects/{slug}/database", {"tier": "medium", "disk_mb": 512, "sleeps": False})
    assert changed.status == 200, changed.body
    assert (changed.json["tier"], changed.json["limit_bytes"], changed.json["sleeps"]) == ("medium", 512 << 20, False)
    assert ask(url, "SHOW statement_timeout") == [("30min",)]
    assert ask(url, "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'app_1'") == [(115,)]


def test_a_change_that_is_none_or_cannot_be_leaves_everything(api: Api) -> None:
    slug = api.project("shop")
    url = made(api, slug)["connection_string"]
    before = api.get(f"/v1/projects/{slug}/database")
    for body, status in (({}, 200), ({"tier": "small"}, 200), ({"tier": "huge"}, 400), ({"disk_mb": 1}, 400), ({"size": 3}, 400)):
        assert api.ask("PATCH", f"/v1/projects/{slug}/database", body).status == status
    assert api.get(f"/v1/projects/{slug}/database") == before
    assert [event["name"] for event in api.get("/v1/activity")["events"]].count("database.changed") == 0
    assert answers(url)


def test_a_variable_of_ones_own_is_in_the_way_first_and_wins_later(api: Api) -> None:
    slug = api.project("shop")
    api.ask("POST", f"/v1/projects/{slug}/env", {"key": "DATABASE_URL", "value": "postgresql://elsewhere/x"})
    refused = api.ask("POST", f"/v1/projects/{slug}/database")
    assert refused.error == (409, "database_url_is_set")
    assert "canonry env rm DATABASE_URL" in refused.json["hint"]
    assert api.ask("GET", f"/v1/projects/{slug}/database").error == (404, "database_not_found")
    assert api.ask("DELETE", f"/v1/projects/{slug}/env/DATABASE_URL").status == 204
    assert made(api, slug)["overridden"] is False
    api.ask("POST", f"/v1/projects/{slug}/env", {"key": "DATABASE_URL", "value": "postgresql://elsewhere/x"})
    assert api.get(f"/v1/projects/{slug}/database")["overridden"] is True


def test_one_for_previews_alone_is_not_in_the_way_of_production(api: Api) -> None:
    slug = api.project("shop")
    api.ask("POST", f"/v1/projects/{slug}/env", {"key": "DATABASE_URL", "value": "x", "environment": "preview"})
    assert made(api, slug)["overridden"] is False


def test_a_person_gets_a_login_of_their_own_that_ends(api: Api) -> None:
    slug = api.project("shop")
    url = made(api, slug)["connection_string"]
    ask(url, "CREATE TABLE t (n int)")
    opened = api.ask("POST", f"/v1/projects/{slug}/database/access", {"hours": 1})
    assert opened.status == 201
    own = opened.json["connection_string"]
    assert own != url
    ask(own, "INSERT INTO t VALUES (1)")
    assert ask(own, "SELECT current_user, session_user") == [("app", opened.json["access_user"])]
    with api.container.transactions.begin() as tx:
        row = store.live(tx, row_of(api, slug).project_id, "production")
    assert row is not None
    admin = api.container.ports.clusters.admin_url(row.cluster_id, "app").reveal()
    ask(admin, f"ALTER ROLE \"{opened.json['access_user']}\" VALID UNTIL '2020-01-01'")
    assert not answers(own)
    assert answers(url)
    for hours in (0, 169, "8"):
        assert api.ask("POST", f"/v1/projects/{slug}/database/access", {"hours": hours}).status == 400
    other = api.ask("POST", f"/v1/projects/{slug}/databases/{row.id}/access")
    assert ask(other.json["connection_string"], "SELECT count(*) FROM t") == [(1,)]
    assert api.ask("POST", f"/v1/projects/{slug}/databases/db_0/access").error == (404, "database_not_found")


def test_a_password_that_nobody_got_is_given_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug, key = api.project(), {"Idempotency-Key": "k-1"}
    with dying(api, monkeypatch):
        lost = api.ask("POST", f"/v1/projects/{slug}/database", headers=key)
    again = api.ask("POST", f"/v1/projects/{slug}/database", headers=key)
    assert (lost.status, again.status, again.json) == (201, 201, lost.json)
    assert again.headers["idempotency-replayed"] == "true"
    other = {"Idempotency-Key": "k-2"}
    with dying(api, monkeypatch):
        lost = api.ask("POST", f"/v1/projects/{slug}/database/access", {"hours": 1}, headers=other)
    again = api.ask("POST", f"/v1/projects/{slug}/database/access", {"hours": 1}, headers=other)
    assert (lost.status, again.status, again.json) == (201, 201, lost.json)
    with api.container.transactions.begin() as tx:
        names = tx.connection.execute("SELECT name FROM events WHERE name IN ('database.created', 'database.opened') ORDER BY id")
        assert [name for (name,) in names] == ["database.created", "database.opened"]


def test_of_many_at_once_each_project_gets_one_with_a_port_of_its_own(api: Api) -> None:
    slugs = [api.project() for _ in range(3)] * 2
    with ThreadPoolExecutor(len(slugs)) as pool:
        answers_ = list(pool.map(lambda slug: api.ask("POST", f"/v1/projects/{slug}/database"), slugs))
    statuses = sorted(answer.status for answer in answers_)
    assert (statuses[:3], set(statuses[3:]) <= {409, 503}) == ([201] * 3, True)  # there already, or just being made
    urls = [answer.json["connection_string"] for answer in answers_ if answer.status == 201]
    assert len({url.rpartition(":")[2] for url in urls}) == 3
    assert all(answers(url) for url in urls)


def test_one_that_cannot_be_made_leaves_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project("shop")

    def fail(*_arguments: object) -> None:
        raise psycopg.OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(making, "equip", fail)
        assert api.ask("POST", f"/v1/projects/{slug}/database").status == 500
    assert api.container.ports.clusters.states() == []
    assert api.ask("GET", f"/v1/projects/{slug}/database").error == (404, "database_not_found")
    assert answers(made(api, slug)["connection_string"])


def test_one_that_a_crash_left_half_made_does_not_stand_in_the_way_for_long(api: Api) -> None:
    slug = api.project("shop")
    database = made(api, slug)
    with api.container.transactions.begin() as tx:
        store.update(tx, database["id"], {"state": str(State.CREATING)})
    key = {"Idempotency-Key": "k-1"}
    assert api.ask("POST", f"/v1/projects/{slug}/database", headers=key).error == (503, "database_being_made")
    assert api.get(f"/v1/projects/{slug}/database")["status"] == "provisioning"
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE databases SET created_at = now() - interval '10 minutes'")
    again = api.ask("POST", f"/v1/projects/{slug}/database", headers=key)  # the refusal was not kept
    assert again.status == 201
    assert answers(again.json["connection_string"])


def test_there_is_nothing_newer_to_move_to_and_that_is_said(api: Api) -> None:
    slug = api.project("shop")
    url = made(api, slug)["connection_string"]
    refused = api.ask("POST", f"/v1/projects/{slug}/database/upgrade")
    assert refused.error == (409, "database_is_current")
    assert "18" in refused.json["message"]
    assert answers(url)
    assert len(api.get(f"/v1/projects/{slug}/databases")["databases"]) == 1


def test_only_retired_ones_are_deleted_by_their_id_and_none_while_somebody_works_on_it(api: Api) -> None:
    slug = api.project("shop")
    database = made(api, slug)
    at = f"/v1/projects/{slug}/databases/{database['id']}"
    assert api.ask("DELETE", at).error == (409, "database_in_use")
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE databases SET role = 'retired', busy_until = now() + interval '1 minute'")
    assert api.ask("DELETE", at).error == (409, "database_busy")
    assert answers(database["connection_string"])
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE databases SET busy_until = now()")
    assert api.ask("DELETE", at).status == 204
    assert not answers(database["connection_string"])
    assert api.ask("DELETE", at).error == (404, "database_not_found")


def test_deleting_a_project_frees_its_database(api: Api) -> None:
    slug = api.project("shop")
    url = made(api, slug)["connection_string"]
    assert api.ask("DELETE", f"/v1/projects/{slug}").status == 204
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'deployments.clear'").fetchone()
    assert row is not None
    from canonry.features.deployments import jobs  # noqa: PLC0415 -- as the worker would

    jobs.clear_project(api.container, **row[0])
    assert not answers(url)
    assert api.container.ports.clusters.states() == []
