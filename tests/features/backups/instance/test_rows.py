"""Canonry's own rows in the archive, over a real PostgreSQL."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from canonry.adapters.objects.folder import FolderObjects
from canonry.core import clock
from canonry.core.errors import Conflict, NotFound
from canonry.core.paths import Home
from canonry.features.backups.instance import rows
from canonry.features.backups.instance.place import Place, find_place
from canonry.infra.backup import base, wal
from canonry.infra.backup.key import new_key
from canonry.infra.files import remove_tree
from canonry.infra.postgres import Postgres
from canonry.infra.postgres.programs import unpack


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    home = Home(tmp_path_factory.mktemp("rows") / "home")
    home.create()
    made = Postgres(home, settings={"fsync": "off"}, archive=True)
    try:
        made.ensure()
        yield made
    finally:
        made.stop()
        remove_tree(home.run)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(FolderObjects(tmp_path / "archive"), new_key(), "0123456789ab")


def url_of(server: Postgres) -> str:
    return server.url.reveal()


def test_it_loses_a_minute_at_most(server: Postgres) -> None:
    with psycopg.connect(url_of(server)) as connection:
        wanted = {"archive_mode": "on", "archive_timeout": "55s"}
        assert {name: connection.execute(f"SHOW {name}".encode()).fetchone() for name in wanted} == {
            name: (value,) for name, value in wanted.items()
        }


def test_what_is_committed_is_in_the_archive_when_the_segment_is_finished(server: Postgres, place: Place) -> None:
    with psycopg.connect(url_of(server), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('abracadabra')")
    rows.finish_segment(server.url, server.home.postgres)
    sent = wal.ship(server.home.postgres, place.archive)
    assert (sent.segments > 0, sent.waiting) == (True, 0)
    content = b"".join(b"".join(place.archive.get(segment.key)) for segment in wal.segments(place.archive))
    assert b"abracadabra" in content


def test_a_base_backup_is_made_once_a_day_and_old_ones_go(server: Postgres, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = unpack(server.home.toolchains)
    first = rows.base_of_today(place, server.url, programs)
    assert rows.base_of_today(place, server.url, programs).id == first.id
    second = rows.base_of_today(place, server.url, programs, anew=True)
    rows.finish_segment(server.url, server.home.postgres)
    wal.ship(server.home.postgres, place.archive)
    rows.drop_old(place, 7)
    assert [backup.id for backup in base.find_all(place.archive)] == [first.id, second.id]
    third = rows.base_of_today(place, server.url, programs, anew=True)
    later = clock.now() + timedelta(days=8)
    monkeypatch.setattr(rows, "now", lambda: later)
    rows.drop_old(place, 7)
    assert [backup.id for backup in base.find_all(place.archive)] == [second.id, third.id]  # the first of the seven days begins with one
    numbers = [segment.number(second.segment_bytes) for segment in wal.segments(place.archive)]
    assert min(numbers, default=second.first_segment) >= second.first_segment


def test_an_archive_without_or_with_several_canonrys_says_so(place: Place) -> None:
    with pytest.raises(NotFound, match="no backup of a Canonry"):
        find_place(place.objects, place.key, None)
    for name in ("aaa", "bbb"):
        place.objects.put(f"platform/{name}/snapshots/one", [b"x"])
    with pytest.raises(Conflict, match="aaa, bbb"):
        find_place(place.objects, place.key, None)
    assert find_place(place.objects, place.key, "bbb").platform == "bbb"


def test_a_gap_is_closed_by_a_new_base_backup_behind_it(server: Postgres, place: Place) -> None:
    programs, spool = unpack(server.home.toolchains), server.home.postgres / "spool"
    assert rows.close_gaps(place, server.url, programs, server.home.postgres) is None
    first = rows.base_of_today(place, server.url, programs)
    (spool / "GAP").write_text("1795651990 000000010000000000000003\n")
    made = rows.close_gaps(place, server.url, programs, server.home.postgres)
    assert made is not None
    assert (made.id != first.id, wal.gaps(server.home.postgres)) == (True, [])
    assert rows.close_gaps(place, server.url, programs, server.home.postgres) is None
