"""All variables of a project as one text, to be kept sealed in a backup, and put back from there."""

import json
from collections import defaultdict
from collections.abc import Sequence

from canonry.core.access import Actor
from canonry.core.secret import Secret
from canonry.features.env import service, store
from canonry.features.env.models import Change, Difference, Entry, Flags
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx


def copy_of(tx: Tx, vault: Vault, project_id: str) -> tuple[Secret, list[str]]:
    """Return every variable of a project with its value as one text, and `environment/KEY` of each.

    Raises: Unavailable `secret_unreadable`.
    """
    rows = store.of_project(tx, project_id)
    copies = [
        [row.environment, row.key, vault.open(row.sealed_value, bound=row.bound).reveal(), row.sensitive, row.for_build, row.for_run]
        for row in rows
    ]
    return Secret(json.dumps(copies)), [f"{row.environment}/{row.key}" for row in rows]


def put_back(tx: Tx, actor: Actor, vault: Vault, project_id: str, copies: Secret) -> list[str]:
    """Set every variable of a copy to what it was then; those that came later stay. Returns `environment/KEY` of what that changed.

    Raises: TooLarge `too_many_variables`.
    """
    groups: dict[tuple[str, Flags], list[Entry]] = defaultdict(list)
    for environment, key, value, sensitive, build, run in json.loads(copies.reveal()):
        groups[environment, Flags(sensitive, build, run)].append(Entry(key, Secret(value)))
    changed: list[str] = []
    for (environment, flags), entries in groups.items():
        where = service.place(tx, actor, project_id, environment)
        changed += _changes(environment, service.put(tx, actor, vault, where, entries, flags))
    return sorted(changed)


def _changes(environment: str, differences: Sequence[Difference]) -> list[str]:
    return [f"{environment}/{item.key}" for item in differences if item.change in {Change.ADDED, Change.CHANGED}]
