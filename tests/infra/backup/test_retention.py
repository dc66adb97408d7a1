"""What may go, and that nothing goes which a promised moment needs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.adapters.objects.folder import FolderObjects
from canonry.core.errors import NotFound
from canonry.infra.backup import base, retention, wal
from canonry.infra.backup.archive import Archive
from canonry.infra.backup.base import BaseBackup, choose
from canonry.infra.backup.counting import Point
from canonry.infra.backup.key import new_key
from canonry.infra.backup.restoring import restore
from canonry.infra.backup.retention import removal
from tests.support.clusters import BareClusters

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def backup(number: int, at: datetime, parent: str | None = None) -> BaseBackup:
    lsn = f"0/{number << 24:X}"
    return BaseBackup(
        f"b{number}", "db", parent, at, at, 1, lsn, lsn, Point("p", lsn, {}, exact=True), at, (), 1 << 20, 180006, "", 1, 1, 1
    )


@st.composite
def histories(draw: st.DrawFn) -> list[BaseBackup]:
    made: list[BaseBackup] = []
    at = START
    for number in range(1, draw(st.integers(1, 25)) + 1):
        at += draw(st.integers(1, 60)) * HOUR
        parent = draw(st.sampled_from(made)).id if made and draw(st.booleans()) else None
        made.append(backup(number, at, parent))
    return made


@given(made=histories(), days=st.integers(1, 20), later=st.integers(0, 200), data=st.data())
def test_every_promised_moment_can_be_restored_to_as_before(made: list[BaseBackup], days: int, later: int, data: st.DataObject) -> None:
    now = made[-1].ended + later * HOUR
    kept = data.draw(st.sets(st.sampled_from([item.id for item in made])))
    gone = removal(made, now=now, days=days, kept=kept)
    left = [item for item in made if item.id not in gone.backups]
    ids = {item.id for item in left}
    assert kept <= ids
    assert all(item.parent is None or item.parent in ids for item in left)
    for hours in range(days * 24 + 1):
        moment = now - hours * HOUR
        try:
            before = choose(made, moment)
        except NotFound:
            continue
        assert choose(left, moment) == before
        assert before.first_segment >= gone.wal_before


@given(made=histories(), days=st.integers(1, 20))
def test_what_nothing_needs_goes_and_children_before_their_parents(made: list[BaseBackup], days: int) -> None:
    now = made[-1].ended + timedelta(days=days + 1)
    gone = removal(made, now=now, days=days)
    parents, above = {item.id: item.parent for item in made}, {made[-1].id}
    step = made[-1].parent
    while step is not None:
        above.add(step)
        step = parents[step]
    assert set(gone.backups) == {item.id for item in made} - above
    places = {name: place for place, name in enumerate(gone.backups)}
    assert all(places[name] < places[parent] for name in places if (parent := parents[name]) in places)


def test_nothing_goes_when_there_is_nothing() -> None:
    assert removal([], now=START, days=7) == retention.Removal([], 0)


@pytest.mark.parametrize("days", [1, 7])
def test_in_a_real_archive_old_ones_go_and_the_rest_still_restores(
    bare_clusters: BareClusters, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    main = bare_clusters.new()
    archive = Archive(FolderObjects(bare_clusters.root / "archive"), new_key(), "db_1")
    main.ask("CREATE TABLE t (n int)")
    made: list[BaseBackup] = []
    moments: Sequence[timedelta] = [timedelta(days=days + 3), timedelta(days=days + 2), timedelta(days=days + 1), timedelta(0)]
    for number, ago in enumerate(moments):
        monkeypatch.setattr(base, "now", lambda ago=ago: datetime.now(UTC) - ago)
        parent = made[-1] if number % 2 else None
        made.append(base.take(main.url(), archive, bare_clusters.programs, backup_id=f"bak_{number}", parent=parent))
        main.ask(f"INSERT INTO t SELECT {number}")
        main.switch()
        wal.ship(main.folder, archive)
    before = len(wal.segments(archive))
    archive.objects.put("base/db_1/bak_lost/data", [b"left by a crash"])
    gone = retention.clear(archive, now=datetime.now(UTC), days=days)
    assert gone.backups == ["bak_1", "bak_0"]
    assert [found.id for found in base.find_all(archive)] == ["bak_2", "bak_3"]
    assert archive.objects.find("base/db_1/bak_lost/data") is not None  # it may be under way
    assert 0 < len(wal.segments(archive)) < before
    retention.clear(archive, now=datetime.now(UTC) + timedelta(hours=50), days=days + 3)
    assert archive.objects.find("base/db_1/bak_lost/data") is None
    result = restore(archive, made[2], bare_clusters.root / "r", until="latest", programs=bare_clusters.programs)
    assert bare_clusters.around(result.data, "restored").ask("SELECT count(*) FROM t") == [(4,)]
