"""Which backup of a database is due."""

from datetime import UTC, datetime, timedelta

import pytest

from canonry.features.backups.archiving.models import DatabaseBackup, Due, Kind, State, Trigger
from canonry.features.backups.archiving.rules import due, failures_in_row, last_night, waits_after_failure

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def backup(kind: str, ago: timedelta, state: str = "done", name: str = "") -> DatabaseBackup:
    at = NOW - ago
    return DatabaseBackup(name or f"dbk_{ago}", "org", "prj", "dat", "db", Kind(kind), Trigger.DAILY, None, State(state), at, at, at, 1, 1,
                          {}, exact=True, error=None)  # fmt: skip


def decided(*backups: DatabaseBackup, gap: bool = False, used: timedelta = timedelta(0), can_restore: bool = True) -> Due | None:
    newest_first = sorted(backups, key=lambda item: item.started_at, reverse=True)
    return due(newest_first, NOW, gap=gap, used_at=NOW - used, can_restore=can_restore)


def test_a_new_database_gets_a_full_one_at_once_and_its_dump_in_the_night() -> None:
    assert decided() == Due(Kind.FULL, Trigger.DAILY)
    assert decided(backup("full", HOUR)) is None
    assert decided(backup("full", 13 * HOUR)) == Due(Kind.DUMP, Trigger.DAILY)


def test_every_day_an_incremental_one_on_the_newest_and_every_week_a_full_one() -> None:
    night = backup("dump", 10 * HOUR)
    assert decided(backup("full", 23 * HOUR), night) is None
    assert decided(backup("full", 25 * HOUR, name="f"), night) == Due(Kind.INCREMENTAL, Trigger.DAILY, "f")
    week = [backup("full", 8 * 24 * HOUR), backup("incremental", 25 * HOUR), night]
    assert decided(*week) == Due(Kind.FULL, Trigger.DAILY)
    days = [backup("full", 6 * 24 * HOUR), backup("incremental", 25 * HOUR, name="i"), night]
    assert decided(*days) == Due(Kind.INCREMENTAL, Trigger.DAILY, "i")


def test_a_gap_is_closed_at_once() -> None:
    assert decided(backup("full", HOUR, name="f"), gap=True) == Due(Kind.INCREMENTAL, Trigger.GAP, "f")


def test_what_nobody_has_used_since_its_backup_is_left_alone() -> None:
    old = [backup("full", 50 * HOUR), backup("dump", 36 * HOUR)]
    assert decided(*old, used=51 * HOUR) is None
    assert decided(*old, used=20 * HOUR) == Due(Kind.INCREMENTAL, Trigger.DAILY, old[0].id)


def test_of_a_server_outside_there_are_dumps_only() -> None:
    assert decided(can_restore=False) == Due(Kind.DUMP, Trigger.DAILY)
    assert decided(backup("dump", 2 * HOUR), can_restore=False) is None
    assert decided(backup("dump", 12 * HOUR), can_restore=False, gap=True) == Due(Kind.DUMP, Trigger.DAILY)


def test_after_failures_the_next_try_waits_longer_each_time_and_four_hours_at_most() -> None:
    failed = [backup("full", timedelta(minutes=minutes), "failed") for minutes in range(4, 400, 10)]
    assert waits_after_failure(failed[:1], NOW)
    assert decided(failed[0]) is None
    assert decided(backup("full", timedelta(minutes=6), "failed")) == Due(Kind.FULL, Trigger.DAILY)
    assert waits_after_failure([backup("full", 3 * HOUR, "failed"), *failed], NOW)
    assert not waits_after_failure([backup("full", 5 * HOUR, "failed")] * 1000, NOW)


@pytest.mark.parametrize(("states", "number"), [("", 0), ("d", 0), ("fd", 1), ("ffd", 2), ("rffdf", 2), ("ff", 2)])
def test_failures_in_a_row(states: str, number: int) -> None:
    words = {"d": "done", "f": "failed", "r": "running"}
    assert failures_in_row([backup("full", HOUR * place, words[letter]) for place, letter in enumerate(states)]) == number


def test_the_night_is_at_one_o_clock() -> None:
    assert last_night(NOW) == datetime(2026, 11, 26, 1, tzinfo=UTC)
    assert last_night(datetime(2026, 11, 26, 0, 30, tzinfo=UTC)) == datetime(2026, 11, 25, 1, tzinfo=UTC)
