"""Mail about databases that fill: once when it begins, on a real server."""

import pytest

from canonry.features.databases import DatabaseRounds
from canonry.wiring.jobs import tasks
from tests.support.api import Api
from tests.support.databases import ask, connected, made, row_of
from tests.support.mail import waiting

_ROW = 7000  # bytes: one to a page


@pytest.fixture
def shop(api: Api) -> str:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET email_verified_at = now()")
    return api.project("shop")


def filled(api: Api, slug: str) -> str:
    """Make a database with a limit of 64 MiB and a table whose rows take a page each."""
    url = str(made(api, slug, disk_mb=64, sleeps=False)["connection_string"])
    ask(url, "CREATE TABLE t (x text)")
    ask(url, "ALTER TABLE t ALTER x SET STORAGE PLAIN")
    return url


def fill(url: str, mebibytes: int) -> None:
    """Let the table take so much."""
    with connected(url) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("TRUNCATE t")
        connection.execute("INSERT INTO t SELECT repeat('x', %s) FROM generate_series(1, %s)", (_ROW, mebibytes * 128))


def look(api: Api, slug: str) -> list[str]:
    """Look as the rounds do, do what follows of that, twice, and return the subjects of all mail so far."""
    rounds = DatabaseRounds(api.container)
    rounds._look(row_of(api, slug))
    rounds.close()
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'notifications.note_fill'").fetchall()
    for row in (*rows, *rows):
        tasks(api.container)["notifications.note_fill"](**row[0])
    return [mail.subject for mail in waiting(api.container)]


def test_owners_are_told_once_that_it_is_nearly_full_and_once_that_it_is(api: Api, shop: str) -> None:
    url = filled(api, shop)
    fill(url, 30)
    assert look(api, shop) == []
    fill(url, 51)
    near = ["Database nearly full: shop"]
    assert [look(api, shop) for _ in range(3)] == [near] * 3
    assert api.get(f"/v1/projects/{shop}/database")["nearly_full"] is True
    (mail,) = waiting(api.container)
    assert (mail.to, "canonry db set --project shop --disk 128" in mail.text) == ("ada@example.com", True)
    assert [alarm for alarm in api.ask("GET", "/readyz?deep=1").json.get("alarms", []) if alarm.startswith("database_")] == []

    fill(url, 60)
    full = [*near, "Database full: shop"]
    assert [look(api, shop) for _ in range(3)] == [full] * 3
    assert "its writes are refused" in waiting(api.container)[1].text
    ready = api.ask("GET", "/readyz?deep=1")
    assert (ready.status, "database_full" in ready.json["alarms"]) == (503, True)

    fill(url, 53)  # at the edge: it takes writes again, and is nearly full as before
    assert look(api, shop) == full
    assert api.get(f"/v1/projects/{shop}/database")["read_only"] is False
    fill(url, 10)
    assert look(api, shop) == full
    names = [event["name"] for event in api.get("/v1/activity")["events"] if event["name"].startswith("database.")]
    assert names[:3] == ["database.has_room", "database.full", "database.nearly_full"]

    fill(url, 60)  # it had room, so this is news
    assert look(api, shop) == [*full, "Database full: shop"]


def test_of_one_that_nobody_uses_any_more_nothing_is_told(api: Api, shop: str) -> None:
    url = filled(api, shop)
    fill(url, 60)
    database = row_of(api, shop)
    rounds = DatabaseRounds(api.container)
    rounds._look(database)
    rounds.close()
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE databases SET role = 'retired'")
    values = {"organization_id": database.organization_id, "project_id": database.project_id, "environment": "production"}
    tasks(api.container)["notifications.note_fill"](**values, database_id=database.id)
    tasks(api.container)["notifications.note_fill"](**values, database_id="db_0000000000000000")
    assert waiting(api.container) == []
