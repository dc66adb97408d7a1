"""What an app is given of its database: at each build and each start, as it is then. It is no part of a release."""

from collections.abc import Collection, Mapping
from datetime import datetime

from canonry.core.secret import Secret
from canonry.features.databases import store
from canonry.features.databases.models import Access, Database, State
from canonry.features.databases.rules import names_of, variables_of
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx
from canonry.ports.clusters import TIERS, Clusters, ClusterSpec


def delivery(tx: Tx, vault: Vault, clusters: Clusters, project_id: str, environment: str) -> dict[str, str]:
    """Return DATABASE_URL and PG* for an environment; empty when it has no database. A project's own variables win over them.

    Raises: Unavailable `secret_unreadable`.
    """
    database = store.live(tx, project_id, environment)
    if database is None or database.state is not State.ACTIVE:
        return {}
    return variables_of(access_of(vault, clusters, database))


def secrets_of(tx: Tx, vault: Vault, project_id: str, environment: str) -> tuple[str, ...]:
    """Return the passwords that an app of this environment may know now: the one in force, and the one before while it works."""
    database = store.live(tx, project_id, environment)
    if database is None:
        return ()
    sealed = [value for value in (database.sealed_password, database.sealed_previous) if value is not None]
    return tuple(vault.open(value, bound=database.bound).reveal() for value in sealed)


def overriding(delivered: Mapping[str, str], own: Collection[str]) -> list[str]:
    """Return the names that are delivered and that the project has variables of its own for, which win."""
    return sorted(set(delivered) & set(own))


def note_deployed(tx: Tx, project_id: str, environment: str, *, started: datetime, seconds: float) -> None:
    """Note that a deployment that began then is live, and that what it replaced ends within so many seconds.

    If a rotation came before it, the login of before is refused from then on.
    """
    store.end_previous(tx, project_id, environment, started=started, seconds=seconds)


def access_of(vault: Vault, clusters: Clusters, database: Database) -> Access:
    """Return how the app connects."""
    host, port = clusters.address(spec_of(database))
    names = names_of(clusters, database.cluster_id)
    return Access(database.login, vault.open(database.sealed_password, bound=database.bound), host, port, names.database,
                  clusters.options())  # fmt: skip


def counting_login(vault: Vault, clusters: Clusters, database: Database) -> tuple[str, Secret] | None:
    """Return the app's login and its password where rows are counted as the app, on a server outside; None where we have one for it."""
    if clusters.can_restore:
        return None
    access = access_of(vault, clusters, database)
    return access.user, access.password


def spec_of(database: Database) -> ClusterSpec:
    """Return what a database's cluster shall be."""
    return ClusterSpec(
        id=database.cluster_id, port=database.port, tier=TIERS[database.tier], disk_mb=database.disk_mb,
        archive=database.is_archived, sleeps=database.sleeps, public=database.public, settings={},
    )  # fmt: skip
