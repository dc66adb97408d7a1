"""What two do to one database at the same moment, and what a project's own SQL must not do to Canonry. Real servers."""

import socket
from datetime import timedelta

import pytest

from canonry.core.clock import now
from canonry.core.errors import CanonryError
from canonry.features import databases
from canonry.features.databases import branches, inside, making, store
from canonry.features.databases.rounds import DatabaseRounds
from canonry.features.databases.rules import names_of
from canonry.ports.clusters import Clusters, ClusterSpec
from tests.support.api import Api
from tests.support.databases import answers, ask, made, row_of


def delivered(api: Api, slug: str) -> str:
    with api.container.transactions.begin() as tx:
        project_id = row_of(api, slug).project_id
        found = databases.delivery(tx, api.container.vault, api.container.ports.clusters, project_id, "production")
    return found["DATABASE_URL"]


def test_of_two_rotations_at_once_one_is_refused_and_the_noted_password_works(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project()
    made(api, slug)
    open_login, others = inside.open_login, []

    def opening(*arguments: object) -> None:
        monkeypatch.setattr(inside, "open_login", open_login)
        open_login(*arguments)  # type: ignore[arg-type]  # passed on as they come
        others.append(api.ask("POST", f"/v1/projects/{slug}/database/rotate").error)
        others.append(api.ask("PATCH", f"/v1/projects/{slug}/database", {"tier": "medium"}).error)
        others.append(api.ask("DELETE", f"/v1/projects/{slug}/database").error)

    monkeypatch.setattr(inside, "open_login", opening)
    answer = api.ask("POST", f"/v1/projects/{slug}/database/rotate")
    assert answer.status == 200, answer.body
    assert others == [(409, "database_busy")] * 3
    assert delivered(api, slug) == answer.json["connection_string"]
    assert answers(delivered(api, slug))
    assert row_of(api, slug).busy_until is None


def test_a_port_that_somebody_takes_while_a_database_is_made_is_given_up_for_another(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between choosing it and listening on it lie seconds, and there are other programs on a machine."""
    clusters = type(api.container.ports.clusters)
    create, strangers, chosen = clusters.create, [], []

    def creating(self: Clusters, spec: ClusterSpec) -> None:
        chosen.append(spec.port)
        if len(chosen) == 1:
            strangers.append(socket.create_server(("127.0.0.1", spec.port)))
        create(self, spec)

    monkeypatch.setattr(clusters, "create", creating)
    slug = api.project()
    url = made(api, slug)["connection_string"]
    assert len(chosen) == 2
    assert row_of(api, slug).port == chosen[1] != chosen[0]
    assert answers(url)
    assert sorted(api.container.ports.clusters._gateway.ports()).count(chosen[0]) == 0  # type: ignore[attr-defined]  # of this machine
    strangers[0].close()


def test_a_claim_that_ran_out_ends_nobody_else_s(api: Api) -> None:
    slug = api.project()
    made(api, slug)
    database = row_of(api, slug)
    later = now() + timedelta(hours=1)
    with making.claimed(api.container, database.id, 0), api.container.transactions.begin() as tx:
        store.update(tx, database.id, {"busy_until": later})
    assert row_of(api, slug).busy_until == later


def test_a_start_that_has_waited_for_its_turn_looks_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was found dead, and before a thread was free somebody changed it: it must not be started as it was before."""
    slug = api.project()
    made(api, slug, sleeps=False)
    before = row_of(api, slug)
    assert api.ask("PATCH", f"/v1/projects/{slug}/database", {"tier": "medium"}).status == 200
    started: list[str] = []
    monkeypatch.setattr(type(api.container.ports.clusters), "start", lambda _self, spec: started.append(spec.tier.name))
    rounds = DatabaseRounds(api.container)
    rounds._start(before)
    with making.claimed(api.container, before.id, 60):
        rounds._start(before)
    rounds.close()
    assert started == ["medium"]


@pytest.mark.criterion("databases#no-superuser")
def test_functions_of_the_app_are_not_run_by_the_superuser(api: Api) -> None:
    """The app may make functions that fit better than PostgreSQL's own; whoever looks into its database must not call them."""
    slug = api.project()
    url = made(api, slug)["connection_string"]
    database, clusters = row_of(api, slug), api.container.ports.clusters
    guest = api.ask("POST", f"/v1/projects/{slug}/database/access").json["access_user"]
    ask(url, """
        CREATE FUNCTION public.caught() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
            IF (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN ALTER ROLE app SUPERUSER; END IF; RETURN true; END $$;
        CREATE FUNCTION public.pg_terminate_backend(int, int) RETURNS bool LANGUAGE sql AS 'SELECT public.caught()';
        CREATE FUNCTION public.like_name(name, name) RETURNS bool LANGUAGE sql AS 'SELECT public.caught()';
        CREATE OPERATOR public.~~ (LEFTARG = name, RIGHTARG = name, FUNCTION = public.like_name)""")  # fmt: skip
    admin = clusters.admin_url(database.cluster_id)
    ask(admin.reveal(), f"ALTER ROLE {guest} VALID UNTIL '2020-01-01'")
    inside.dismiss_guests(clusters.admin_url(database.cluster_id, "app"), names_of(clusters, database.cluster_id))
    assert ask(admin.reveal(), "SELECT rolsuper FROM pg_roles WHERE rolname = 'app'") == [(False,)]
    assert ask(admin.reveal(), "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'app\\_guest%'") == [(0,)]


@pytest.mark.parametrize("script", [
    "SET statement_timeout = 0; SELECT pg_sleep(600)", "SELECT pg_sleep(600)", "COPY people TO STDOUT", "COPY people FROM STDIN",
])  # fmt: skip
def test_a_masking_script_cannot_hold_a_deployment_up(api: Api, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(branches, "_SCRIPT_SECONDS", 1)
    slug = api.project()
    ask(made(api, slug)["connection_string"], "CREATE TABLE people AS SELECT 'grace@navy.mil' AS email")
    with pytest.raises(CanonryError) as caught:
        databases.ensure_branch(api.container, row_of(api, slug).project_id, "preview/next", script, print)
    assert caught.value.code == "mask_failed"
    assert [row["environment"] for row in api.get(f"/v1/projects/{slug}/databases")["databases"]] == ["production"]


def test_a_masking_script_may_select_as_much_as_it_likes(api: Api) -> None:
    slug = api.project()
    ask(made(api, slug)["connection_string"], "CREATE TABLE people AS SELECT 'grace@navy.mil' AS email")
    script = "SELECT n FROM generate_series(1, 200000) n; UPDATE people SET email = 'masked'; SELECT * FROM people;"
    databases.ensure_branch(api.container, row_of(api, slug).project_id, "preview/next", script, print)
    with api.container.transactions.begin() as tx:
        found = databases.delivery(tx, api.container.vault, api.container.ports.clusters, row_of(api, slug).project_id, "preview/next")
    assert ask(found["DATABASE_URL"], "SELECT email FROM people") == [("masked",)]
