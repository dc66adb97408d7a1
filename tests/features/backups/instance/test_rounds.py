"""What happens by the clock, and what is said when it fails."""

from dataclasses import replace
from typing import Any

import pytest

from canonry.adapters.objects.folder import FolderObjects
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.features.backups.instance import InstanceRounds, alarms, rounds
from canonry.features.backups.instance.rounds import place_of
from canonry.infra.locks import FileLock
from canonry.wiring.container import Container
from tests.support.waiting import until


def outside(container: Container) -> Container:
    """Return the same Canonry with its rows on an outside server, so that only files are backed up."""
    return replace(container, settings=replace(container.settings, database_url=Secret("postgresql:///outside")))


def one_round(container: Container) -> None:
    made = InstanceRounds(container)
    made.round()
    under_way: Any = made._under_way
    assert under_way is not None
    under_way.result(60)
    made.close()


def test_files_are_kept_once_and_again_when_they_change(container: Container) -> None:
    canonry = outside(container)
    one_round(canonry)
    place = place_of(canonry)
    one_round(canonry)
    assert len(place.ids()) == 1
    (canonry.home.root / "audit.anchors").write_text("{}\n")
    one_round(canonry)
    ids = place.ids()
    assert len(ids) == 2
    before, after = (place.load(snapshot_id) for snapshot_id in ids)
    assert [part.kind for part in after.parts] == ["state"]
    assert before.parts != after.parts


def test_settings_are_kept_but_for_those_of_the_machine_and_of_backups(container: Container) -> None:
    settings = Settings(home=container.home.root, base_domain="example.com", http_port=81, backups_days=3, metrics_token=Secret("m" * 16))
    canonry = outside(replace(container, settings=settings))
    one_round(canonry)
    kept = place_of(canonry).load(place_of(canonry).ids()[-1]).settings
    assert kept == {"CANONRY_BASE_DOMAIN": "example.com", "CANONRY_METRICS_TOKEN": "m" * 16}


def test_nothing_is_done_while_a_command_is_at_it(container: Container) -> None:
    canonry = outside(container)
    canonry.home.run.mkdir(exist_ok=True)
    lock = FileLock(canonry.home.run / "backup.lock")
    assert lock.take()
    one_round(canonry)
    assert place_of(canonry).ids() == []
    lock.let_go()
    one_round(canonry)
    assert len(place_of(canonry).ids()) == 1


def test_an_archive_that_fails_for_long_is_an_alarm_until_it_works(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    canonry = outside(container)
    blocked = canonry.home.root / "a file"
    blocked.write_text("in the way")
    broken = replace(canonry, ports=replace(canonry.ports, objects=FolderObjects(blocked)))
    one_round(broken)
    assert alarms(broken) == []
    monkeypatch.setattr(rounds, "_PATIENCE", 0.01)
    until(lambda: bool(alarms(broken)))
    (alarm,) = alarms(broken)
    assert (alarm.name, "not backed up" in alarm.message) == ("backup_failing", True)
    one_round(canonry)
    assert alarms(canonry) == []
