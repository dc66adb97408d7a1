"""The composition root: a Canonry that has nobody gets its owner, once."""

from pathlib import Path

import pytest

from canonry.core.access import Permission
from canonry.core.errors import Unavailable
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.infra.db import connect
from canonry.wiring.container import bootstrap_owner, open_container, renew_owner_token
from canonry.wiring.jobs import JOBS, tasks
from canonry.wiring.subscriptions import SUBSCRIPTIONS


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def test_the_first_start_makes_an_owner_whose_token_opens_everything(settings: Settings, database_url: Secret) -> None:
    container = open_container(settings, database_url)
    try:
        assert renew_owner_token(container) is None
        owner = bootstrap_owner(container)
        assert owner is not None
        actor = container.ports.identity.authenticate(owner.token)
        assert actor is not None
        assert (actor.organization_handle, actor.permissions) == (owner.organization, frozenset(Permission))
        assert owner.token.reveal() not in repr(owner)
    finally:
        container.close()


def test_a_later_start_makes_nobody_and_a_lost_token_can_be_made_anew(settings: Settings, database_url: Secret) -> None:
    container = open_container(settings, database_url)
    try:
        first = bootstrap_owner(container)
        assert first is not None
        assert bootstrap_owner(container) is None
        again = renew_owner_token(container)
        assert again is not None
        assert (again.organization, again.token == first.token) == (first.organization, False)
        actors = [container.ports.identity.authenticate(owner.token) for owner in (first, again)]
        assert len({actor.user_id for actor in actors if actor is not None}) == 1
        assert None not in actors
    finally:
        container.close()


def test_every_job_has_a_function_and_every_listener_is_a_job(settings: Settings, database_url: Secret) -> None:
    container = open_container(settings, database_url)
    try:
        assert set(tasks(container)) == {job.name for job in JOBS}
        assert {job for jobs in SUBSCRIPTIONS.values() for job in jobs} <= set(JOBS)
    finally:
        container.close()


def test_an_address_where_no_database_is_says_so_without_its_password() -> None:
    with pytest.raises(Unavailable, match="does not answer") as caught:
        connect(Secret("postgresql://somebody:hunter2@127.0.0.1:1/none"))
    assert "hunter2" not in str(caught.value)
    assert "CANONRY_DATABASE_URL" in caught.value.hint
