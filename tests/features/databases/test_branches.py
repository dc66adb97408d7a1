"""The databases of previews: copies, empty ones, masks, and what happens when making one is cut short. Real servers."""

from pathlib import Path

import pytest

from canonry.core.errors import CanonryError
from canonry.features import databases
from canonry.features.databases import inside, making, store
from canonry.features.databases.models import State, Wish
from canonry.features.databases.rules import names_of
from canonry.features.projects import service as projects
from tests.support.api import Api
from tests.support.databases import answers, ask, made, row_of

NEXT = "preview/next"


def production(api: Api) -> tuple[str, str, str]:
    """Make a project whose database holds one person; return slug, project id and connection string."""
    slug = api.project()
    url = made(api, slug)["connection_string"]
    ask(url, "CREATE TABLE people AS SELECT 'grace@navy.mil' AS email")
    return slug, row_of(api, slug).project_id, url


def branched(api: Api, project_id: str, environment: str = NEXT, script: str | None = None) -> list[str]:
    said: list[str] = []
    databases.ensure_branch(api.container, project_id, environment, script, said.append)
    return said


def url_of(api: Api, project_id: str, environment: str = NEXT) -> str:
    with api.container.transactions.begin() as tx:
        found = databases.delivery(tx, api.container.vault, api.container.ports.clusters, project_id, environment)
    return found["DATABASE_URL"]


def environments(api: Api, slug: str) -> list[str]:
    return [row["environment"] for row in api.get(f"/v1/projects/{slug}/databases")["databases"]]


def test_a_branch_is_a_copy_that_stays_what_was_made_of_it(api: Api) -> None:
    slug, project_id, _url = production(api)
    (said,) = branched(api, project_id, script="UPDATE people SET email = 'masked'; INSERT INTO people VALUES ('second');")
    assert "masked" in said
    own = url_of(api, project_id)
    assert ask(own, "SELECT email FROM people ORDER BY 1") == [("masked",), ("second",)]
    ask(own, "DELETE FROM people")
    assert branched(api, project_id) == []
    assert ask(own, "SELECT count(*) FROM people") == [(0,)]
    assert row_of(api, slug, NEXT).source == row_of(api, slug).id


@pytest.mark.criterion("databases#masked-first")
def test_passwords_and_guests_of_production_open_no_branch(api: Api) -> None:
    slug, project_id, url = production(api)
    guest = api.ask("POST", f"/v1/projects/{slug}/database/access").json["connection_string"]
    branched(api, project_id)
    place = url_of(api, project_id).rpartition("@")[2]
    assert [answers(f"{known.rpartition('@')[0]}@{place}") for known in (url, guest)] == [False, False]
    assert [answers(known) for known in (url, guest)] == [True, True]


@pytest.mark.criterion("databases#fork-no-data")
def test_a_fork_and_a_large_database_get_an_empty_one(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    _slug, project_id, _url = production(api)
    (said,) = branched(api, project_id, "preview/pull:7", script="this is never run")
    assert "fork" in said
    assert ask(url_of(api, project_id, "preview/pull:7"), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    monkeypatch.setattr(type(api.container.ports.clusters), "size_bytes", lambda _self, _cluster: 2 << 30)
    (said,) = branched(api, project_id)
    assert "2048 MiB" in said
    assert ask(url_of(api, project_id), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


@pytest.mark.parametrize(
    "script", ["NONSENSE", "DROP TABLE people; SELECT 1/0", "RESET ROLE; SET ROLE canonry", "COPY people TO PROGRAM 'id'"]
)
@pytest.mark.criterion("databases#masked-first")
def test_a_script_that_fails_leaves_no_branch(api: Api, script: str) -> None:
    slug, project_id, url = production(api)
    with pytest.raises(CanonryError) as caught:
        branched(api, project_id, script=script)
    assert caught.value.code == "mask_failed"
    assert environments(api, slug) == ["production"]
    assert len(api.container.ports.clusters.states()) == 1
    assert ask(url, "SELECT email FROM people") == [("grace@navy.mil",)]


def test_without_a_database_of_production_there_is_none(api: Api) -> None:
    slug = api.project()
    project_id = api.get(f"/v1/projects/{slug}")["id"]
    assert branched(api, project_id) == []
    assert environments(api, slug) == []
    _slug, other, _url = production(api)
    assert branched(api, other, "production") == []


def test_one_that_was_cut_short_is_made_anew(api: Api) -> None:
    slug, project_id, _url = production(api)
    with api.container.transactions.begin() as tx:
        half = making.planned(tx, api.container, projects.get_any(tx, project_id), NEXT, Wish(), source="db_x")
    api.container.ports.clusters.copy(row_of(api, slug).cluster_id, half.cluster_id)
    branched(api, project_id)
    assert row_of(api, slug, NEXT).id != half.id
    assert api.container.ports.clusters.state(half.cluster_id) is None
    assert ask(url_of(api, project_id), "SELECT count(*) FROM people") == [(1,)]


@pytest.mark.criterion("databases#preview-own")
def test_the_end_of_a_preview_takes_its_database_away_and_no_other(api: Api) -> None:
    slug, project_id, url = production(api)
    branched(api, project_id)
    own = url_of(api, project_id)
    with api.container.transactions.begin() as tx:
        databases.close(tx, project_id, NEXT)
        databases.close(tx, project_id, "production")
    databases.clear(api.container, project_id, NEXT)
    databases.clear(api.container, project_id, NEXT)
    assert (answers(own), answers(url)) == (False, True)
    assert environments(api, slug) == ["production"]


def test_a_full_database_makes_a_branch_that_can_be_written_to(api: Api) -> None:
    slug, project_id, url = production(api)
    clusters, cluster = api.container.ports.clusters, row_of(api, slug).cluster_id
    inside.refuse_writes(clusters.admin_url(cluster), names_of(clusters, cluster), refuse=True, shared=False)
    branched(api, project_id, script="UPDATE people SET email = 'masked'")
    ask(url_of(api, project_id), "INSERT INTO people VALUES ('second')")
    assert ask(url, "SELECT count(*) FROM people") == [(1,)]


def test_a_script_has_to_be_a_file_of_the_source(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "db").mkdir(parents=True)
    (tree / "db" / "mask.sql").write_text("SELECT 1")
    (tmp_path / "outside.sql").write_text("SELECT 2")
    (tree / "db" / "link.sql").symlink_to(tmp_path / "outside.sql")
    (tree / "db" / "binary.sql").write_bytes(b"\xff\xfe\0")
    assert databases.read_script(tree, "db/mask.sql") == "SELECT 1"
    for name, code in (
        ("db/none.sql", "mask_missing"),
        ("db/link.sql", "mask_missing"),
        ("db", "mask_missing"),
        ("db/binary.sql", "mask_unreadable"),
    ):
        with pytest.raises(CanonryError) as caught:
            databases.read_script(tree, name)
        assert caught.value.code == code


def test_a_register_and_a_swap_exchange_place_login_and_password(api: Api) -> None:
    slug, project_id, url = production(api)
    live = row_of(api, slug)
    clusters = api.container.ports.clusters
    with api.container.transactions.begin() as tx:
        beside = databases.register(tx, api.container, live, databases.Role.RESTORED, "bak_1")
    clusters.copy(live.cluster_id, beside.cluster_id)
    clusters.start(databases.spec_of(beside))
    beside = databases.ready(api.container, beside)
    ask(clusters.admin_url(beside.cluster_id, "app").reveal(), "INSERT INTO people VALUES ('restored')")
    with api.container.transactions.begin() as tx:
        databases.keep_still(tx, live, 60)
        databases.keep_still(tx, beside, 60)
        promoted, retired = databases.swap(tx, api.container.vault, live, beside)
    assert (promoted.port, promoted.login, promoted.role) == (live.port, live.login, "live")
    assert (retired.port, retired.role) == (beside.port, "retired")
    for database in (live, beside):
        clusters.stop(database.cluster_id)
    for database in (promoted, retired):
        clusters.start(databases.spec_of(database))
        databases.equip(api.container, database)
    assert ask(url, "SELECT count(*) FROM people") == [(2,)]
    with api.container.transactions.begin() as tx:
        for database in (promoted, retired):
            databases.keep_still(tx, database, 0)
        with pytest.raises(CanonryError, match="not what it was"):
            databases.swap(tx, api.container.vault, live, beside)
        assert store.live(tx, project_id, "production") is not None
    own = api.ask("POST", f"/v1/projects/{slug}/databases/{retired.id}/access").json["connection_string"]
    assert ask(own, "SELECT count(*) FROM people") == [(1,)]
    assert [row["role"] for row in api.get(f"/v1/projects/{slug}/databases")["databases"]] == ["retired", "live"]
    assert retired.state is State.ACTIVE
