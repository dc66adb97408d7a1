"""What was looked at some time ago and is otherwise by now: nothing is started, removed or exchanged as it was then. Real servers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from canonry.core.clock import now
from canonry.core.errors import Conflict
from canonry.features import databases
from canonry.features.backups.archiving import service as archiving
from canonry.features.backups.archiving.models import Due, Kind, State, Trigger
from canonry.features.backups.archiving.rounds import ArchiveRounds
from canonry.features.backups.restores import jobs, pipeline
from canonry.features.databases import Database, DatabaseRounds, service, store
from canonry.features.databases import State as DatabaseState
from tests.support.api import Api
from tests.support.databases import answers, ask, made, row_of
from tests.support.restores import exchanged, look, moment, restored, with_backup


def by_id(api: Api, database_id: str) -> Database:
    with api.container.transactions.begin() as tx:
        found = store.get(tx, database_id)
    assert found is not None
    return found


def runs_as(api: Api, slug: str) -> tuple[str, bool]:
    """Return the tier and the reach that the server of a project runs with."""
    spec = api.container.ports.clusters._folders.place(row_of(api, slug).cluster_id).read_spec()  # type: ignore[attr-defined]
    return spec.tier.name, spec.public


@pytest.mark.parametrize("kind", [Kind.FULL, Kind.DUMP])
def test_a_backup_that_has_waited_for_its_turn_does_not_turn_the_database_back(api: Api, kind: Kind) -> None:
    """One at a time is made, so that may be hours: meanwhile somebody shut the database to the network and gave it more memory."""
    slug = api.project()
    made(api, slug, public=True)
    before = row_of(api, slug)
    assert api.ask("PATCH", f"/v1/projects/{slug}/database", {"tier": "medium", "public": False}).status == 200
    backup = archiving.make(api.container, before, Due(kind, Trigger.MANUAL))
    assert backup is not None
    assert backup.state is State.DONE
    assert runs_as(api, slug) == ("medium", False)


def test_a_comparison_at_the_end_of_a_restore_does_not_turn_the_database_back(api: Api) -> None:
    slug = api.project()
    url = with_backup(api, slug)
    before = row_of(api, slug)
    assert api.ask("PATCH", f"/v1/projects/{slug}/database", {"tier": "medium"}).status == 200
    assert pipeline._compared(api.container, before, before)["complete"] is True
    assert runs_as(api, slug) == ("medium", False)
    assert answers(url)


def test_a_backup_of_what_another_took_the_place_of_is_not_begun(api: Api) -> None:
    slug = api.project()
    with_backup(api, slug)
    before = row_of(api, slug)
    assert exchanged(api, slug, restored(api, slug, moment()), "promote")["state"] == "promoted"
    rounds = ArchiveRounds(api.container)
    rounds._make(before, Due(Kind.FULL, Trigger.DAILY))
    rounds.close()
    assert [item for item in api.get(f"/v1/projects/{slug}/database/backups")["backups"] if item["database_id"] == before.id] == []


def test_one_that_was_long_in_the_making_is_not_removed_once_it_is_ready(api: Api) -> None:
    slug = api.project()
    url = made(api, slug)["connection_string"]
    seen = replace(row_of(api, slug), state=DatabaseState.CREATING, created_at=now() - timedelta(hours=1))
    rounds = DatabaseRounds(api.container)
    rounds._remove(seen)
    rounds.close()
    assert row_of(api, slug).state is DatabaseState.ACTIVE
    assert answers(url)


def test_a_kept_one_that_is_live_again_is_deleted_by_nobody(api: Api) -> None:
    """Somebody deletes it by its id, or its time is over, at the moment at which somebody else undoes the promote."""
    slug = api.project()
    url = with_backup(api, slug)
    first = row_of(api, slug)
    restore = restored(api, slug, moment())
    exchanged(api, slug, restore, "promote")
    seen = by_id(api, first.id)
    exchanged(api, slug, restore, "undo")
    with api.container.transactions.begin() as tx, pytest.raises(Conflict) as caught:
        service._condemned(tx, seen)
    assert caught.value.code == "database_busy"
    jobs.clear(api.container, seen.project_id, seen.id)
    assert row_of(api, slug).id == first.id
    assert ask(url, "SELECT count(*) FROM notes") == [(2,)]


def test_nothing_takes_the_place_of_a_database_that_somebody_has_just_deleted(api: Api) -> None:
    slug = api.project()
    with_backup(api, slug)
    restore, live = restored(api, slug, moment()), row_of(api, slug)
    assert api.ask("POST", f"/v1/projects/{slug}/database/restores/{restore['id']}/promote").status == 202
    with api.container.transactions.begin() as tx:
        store.update(tx, live.id, {"state": str(DatabaseState.REMOVING)})
    jobs.exchange_databases(api.container, restore["project_id"], restore["id"])
    found = look(api, slug, restore)
    assert (found["state"], found["error"]["code"]) == ("ready", "database_moved_on")
    assert by_id(api, live.id).role is databases.Role.LIVE


def test_a_backup_of_before_a_promote_names_its_moment_afterwards_too(api: Api) -> None:
    slug = api.project()
    url = with_backup(api, slug)
    kept = archiving.make(api.container, row_of(api, slug), Due(Kind.FULL, Trigger.MANUAL))
    assert kept is not None
    ask(url, "DELETE FROM notes")
    assert exchanged(api, slug, restored(api, slug, moment()), "promote")["state"] == "promoted"
    answer = api.ask("POST", f"/v1/projects/{slug}/database/restores", {"backup": kept.id})
    assert answer.status == 202, answer.body
    restore = answer.json["restore"]
    jobs.prepare(api.container, restore["project_id"], restore["id"])
    found = look(api, slug, restore)
    assert (found["state"], [item["restored"] for item in found["difference"]["tables"]]) == ("ready", [2]), found
