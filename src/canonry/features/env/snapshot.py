"""What a deployment takes along: the variables that count in its environment, as they are at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from canonry.features.env import store
from canonry.features.env.rules import effective, sources_of
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx


@dataclass(frozen=True)
class Snapshot:
    """build, run: name → value for whom. secrets: the values of sensitive ones, to be kept out of logs. Never printed."""

    build: Mapping[str, str] = field(repr=False)
    run: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def snapshot(tx: Tx, vault: Vault, project_id: str, environment: str) -> Snapshot:
    """Return the variables of an environment: its own win over those of every preview, these over those of all.

    Raises: Unavailable `secret_unreadable` when one was sealed with another key.
    """
    rows = effective(store.of_project(tx, project_id, sources_of(environment)), environment)
    values = {row.key: vault.open(row.sealed_value, bound=row.bound).reveal() for row in rows}
    return Snapshot(
        build={row.key: values[row.key] for row in rows if row.for_build},
        run={row.key: values[row.key] for row in rows if row.for_run},
        secrets=tuple(values[row.key] for row in rows if row.sensitive),
    )


def run_keys(tx: Tx, project_id: str, environment: str) -> frozenset[str]:
    """Return the names of the variables that what runs in an environment is given; nothing is opened for it."""
    rows = effective(store.of_project(tx, project_id, sources_of(environment)), environment)
    return frozenset(row.key for row in rows if row.for_run)
