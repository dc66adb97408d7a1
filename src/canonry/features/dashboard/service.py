"""What the first page of an organization needs."""

from collections.abc import Callable

from canonry.core.access import Actor
from canonry.features import accounts, git, specs
from canonry.features.dashboard.models import Overview
from canonry.infra.kept import Kept
from canonry.infra.tx import Tx

_answers = Kept[bytes](16 << 20, len)


def overview_as(form: Callable[[Overview], bytes], tx: Tx, actor: Actor) -> bytes:
    """Return everything the caller may see, by repository, as `form` writes it; written once for each state of all of it."""
    repositories = git.repositories(tx, actor)
    key, state = (actor.organization_id, actor.project_id), (actor.organization_handle, tuple(repositories), specs.index_state(tx, actor))
    return _answers.get(key, state, lambda: form(_overview(tx, actor, repositories)))


def _overview(tx: Tx, actor: Actor, repositories: list[git.Repository]) -> Overview:
    listings, indexes = specs.listings(tx, actor, repositories), specs.indexes(tx, actor)
    return Overview([(item, listings[item.id], indexes.get(item.id)) for item in repositories])


def welcome(tx: Tx, actor: Actor) -> tuple[str, bool, bool]:
    """Return the first name of the caller, whether there is a repository, and whether there is a spec."""
    name = accounts.get_user(tx, actor.user_id).name.split(" ")[0] if actor.user_id else ""
    return name, bool(git.repositories(tx, actor)), specs.has_specs(tx, actor)
