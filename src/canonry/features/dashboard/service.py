"""What the first page of an organization needs."""

from canonry.core.access import Actor
from canonry.features import accounts, git, specs
from canonry.features.dashboard.models import Overview
from canonry.infra.tx import Tx


def overview(tx: Tx, actor: Actor) -> Overview:
    """Return everything the caller may see, by repository."""
    rows: dict[str, list[specs.Summary]] = {}
    for row in specs.documents(tx, actor):
        rows.setdefault(row.repository_id, []).append(row)
    return Overview([(item, rows.get(item.id, []), specs.index_of(tx, item)) for item in git.repositories(tx, actor)])


def welcome(tx: Tx, actor: Actor) -> tuple[str, bool, bool]:
    """Return the first name of the caller, whether there is a repository, and whether there is a spec."""
    name = accounts.get_user(tx, actor.user_id).name.split(" ")[0] if actor.user_id else ""
    return name, bool(git.repositories(tx, actor)), specs.has_specs(tx, actor)
