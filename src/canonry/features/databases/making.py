"""Making a database and removing it: rows first and last, its cluster between. Nothing here holds a transaction across either."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg

from canonry.core.clock import now
from canonry.core.errors import CanonryError, Conflict, NotFound, Unavailable
from canonry.core.ids import new_id
from canonry.features.databases import inside, store
from canonry.features.databases.context import Context
from canonry.features.databases.delivery import spec_of
from canonry.features.databases.events import DatabaseMoved
from canonry.features.databases.models import Database, Role, State, Wish
from canonry.features.databases.rules import names_of, new_password
from canonry.features.projects import Project
from canonry.infra.tx import Tx
from canonry.ports.clusters import ClusterSpec

_log = logging.getLogger(__name__)
SMALL = "small"
_PORT_ATTEMPTS = 5
_LEFT_OVER_SECONDS = 120.0  # an empty one that is being made for longer was left by a process that is gone
_LONGEST_RESTORE = 86_400.0  # likewise, of one that is filled from elsewhere


def planned(tx: Tx, context: Context, project: Project, environment: str, wish: Wish, *, source: str | None = None) -> Database:
    """Add the row of a live database that is to be made.

    Raises: Conflict `database_exists`; Unavailable `database_being_made` (by somebody, or by whoever is gone since a moment), `no_port`.
    """
    known = store.live(tx, project.id, environment)
    if known is not None and is_left_over(known):
        store.update(tx, known.id, {"state": str(State.REMOVING)})
    try:
        with tx.connection.transaction():
            return added(tx, context, project, environment, wish, role=Role.LIVE, source=source)
    except psycopg.errors.UniqueViolation as error:
        if known is not None and known.state is State.CREATING:
            hint = f"Ask again; one that was cut off goes after {_LEFT_OVER_SECONDS / 60:.0f} minutes."
            raise Unavailable("database_being_made", f"A database of {project.slug} for {environment} is being made.", hint=hint) from error
        raise Conflict("database_exists", f"{project.slug} has a database for {environment} already.",
                       hint="`canonry db info` shows it, `canonry db url` gives a way in.") from error  # fmt: skip


def added(tx: Tx, context: Context, project: Project, environment: str, wish: Wish, *, role: Role, source: str | None) -> Database:
    """Add the row of a database that is to be made, with a port and a password of its own."""
    store.hold_ports(tx)
    database_id = new_id("db")
    clusters = context.ports.clusters
    store.insert(tx, {
        "id": database_id, "organization_id": project.organization_id, "project_id": project.id, "environment": environment,
        "role": str(role), "state": str(State.CREATING), "cluster_id": database_id,
        "port": clusters.free_port(store.ports(tx)), "tier": wish.tier or SMALL,
        "disk_mb": wish.disk_mb or context.settings.database_disk, "login": names_of(clusters, database_id).logins[0],
        "sealed_password": context.vault.seal(new_password(), bound=f"databases {database_id}"),
        "sleeps": wish.sleeps is not False, "public": wish.public is True, "source": source,
    })  # fmt: skip
    return _known(tx, database_id)


def is_left_over(database: Database) -> bool:
    """Say whether whoever began to make it is gone."""
    longest = _LEFT_OVER_SECONDS if database.source is None else _LONGEST_RESTORE
    return database.state is State.CREATING and (now() - database.created_at).total_seconds() > longest


def provide(context: Context, database: Database) -> inside.Look:
    """Make its cluster, start it, make the logins in it, and look at it. What is there already stays. Raises: CanonryError."""
    database = _on_a_free_port(context, database, context.ports.clusters.create)
    database = started(context, database)
    equip(context, database)
    return seen(context, database)


def started(context: Context, database: Database) -> Database:
    """Start the cluster of a database that is being made, and return its row. Raises: CanonryError."""
    return _on_a_free_port(context, database, context.ports.clusters.start)


def _on_a_free_port(context: Context, database: Database, act: Callable[[ClusterSpec], object]) -> Database:
    """Do it. A port that somebody has taken since it was chosen is given up for another one, as long as nobody knows it: CREATING."""
    for _ in range(_PORT_ATTEMPTS):
        try:
            act(spec_of(database))
        except Conflict as error:
            if error.code != "port_taken" or database.state is not State.CREATING:
                raise
            with context.transactions.begin() as tx:
                store.hold_ports(tx)
                _choose_port(tx, context, database.id)
                database = _known(tx, database.id)
        else:
            return database
    act(spec_of(database))
    return database


def move(context: Context, database: Database) -> None:
    """Give a database that is made another port, because somebody else has its own. What runs of its app is started anew with that."""
    with context.transactions.begin() as tx:
        store.hold_ports(tx)
        current = store.hold(tx, database.id)
        if current is None or current.state is not State.ACTIVE or current.port != database.port:
            return
        port = _choose_port(tx, context, current.id)
        if current.role is Role.LIVE:
            tx.emit(DatabaseMoved(current.organization_id, current.project_id, current.environment, current.id),
                    before={"port": current.port}, after={"port": port})  # fmt: skip


def _choose_port(tx: Tx, context: Context, database_id: str) -> int:
    port = context.ports.clusters.free_port(store.ports(tx))
    store.update(tx, database_id, {"port": port})
    return port


def seen(context: Context, database: Database) -> inside.Look:
    """Look at a database whose cluster runs."""
    clusters = context.ports.clusters
    names = names_of(clusters, database.cluster_id)
    return inside.look(clusters.admin_url(database.cluster_id), names, shared=not clusters.can_restore)


def equip(context: Context, database: Database) -> None:
    """Let exactly those sign in whom the row names, with its passwords; for a cluster that runs, wherever its data came from."""
    clusters = context.ports.clusters
    logins = [inside.Login(database.login, context.vault.open(database.sealed_password, bound=database.bound))]
    if database.previous_login is not None and database.sealed_previous is not None:
        logins.append(inside.Login(database.previous_login, context.vault.open(database.sealed_previous, bound=database.bound)))
    inside.prepare(clusters.admin_url(database.cluster_id), names_of(clusters, database.cluster_id), database.tier, logins)


def made(tx: Tx, database: Database, look: inside.Look) -> Database:
    """Note that a database is ready, and return its row. Raises: Conflict `database_removed` when it was deleted meanwhile."""
    current = store.hold(tx, database.id)
    if current is None or current.state is State.REMOVING:
        raise Conflict("database_removed", "The database was deleted while it was made.", hint="Create it again.")
    changes: dict[str, Any] = {"state": str(State.ACTIVE), "version": look.version, "size_bytes": look.size_bytes, "last_used_at": now()}
    store.update(tx, database.id, changes)
    return _known(tx, database.id)


@contextmanager
def claimed(context: Context, database_id: str, seconds: float) -> Iterator[Database]:
    """Give a database that nobody else works on inside the block. seconds: for how long at most, should we be killed inside.

    Raises: NotFound `database_not_found`; Conflict `database_busy`.
    """
    until = now() + timedelta(seconds=seconds)
    with context.transactions.begin() as tx:
        database = ready(store.hold(tx, database_id))
        store.update(tx, database_id, {"busy_until": until})
    try:
        yield database
    finally:
        with context.transactions.begin() as tx:
            store.end_claim(tx, database_id, until)


def held(tx: Tx, database_id: str) -> Database:
    """Return a claimed database, whose row nobody else changes until the transaction ends. Raises: Conflict `database_removed`."""
    current = store.hold(tx, database_id)
    if current is None or current.state is State.REMOVING:
        raise Conflict("database_removed", "The database was deleted meanwhile.", hint="Look at what there is: canonry db ls.")
    return current


def ready(database: Database | None) -> Database:
    """Return a database that may be worked on. Raises: NotFound `database_not_found`; Conflict `database_busy`."""
    if database is None:
        raise NotFound("database_not_found", "The database was deleted meanwhile.")
    if database.state is not State.ACTIVE or is_busy(database):
        raise busy()
    return database


def is_busy(database: Database) -> bool:
    """Say whether somebody works on its cluster."""
    return database.busy_until is not None and database.busy_until > now()


def busy() -> Conflict:
    """Return the error for a database that cannot be worked on now."""
    return Conflict("database_busy", "The database is being made, changed, moved or removed.", hint="Try again in a moment.")


def discard(context: Context, database: Database, *, still: Callable[[Database], bool] = lambda _row: True) -> None:
    """Remove a database with everything in it. Harmless twice; what a crash cuts short is carried on by the rounds.

    still: whether it is to go, asked once more of the row as it is then; for a caller who has looked at it some time ago.
    """
    with context.transactions.begin() as tx:
        current = store.hold(tx, database.id)
        if current is not None and not still(current):
            return
        store.update(tx, database.id, {"state": str(State.REMOVING)})
    context.ports.clusters.remove(database.cluster_id)
    with context.transactions.begin() as tx:
        store.delete(tx, database.id)


def discarding(context: Context, database: Database, make: Callable[[], None]) -> None:
    """Do what makes a database; when that fails, nothing of it stays. Raises: what `make` raises."""
    try:
        make()
    except BaseException:
        try:
            discard(context, database)
        except CanonryError as error:  # the rounds come back to it
            _log.warning("database %s is not removed yet: %s", database.id, error)
        raise


def _known(tx: Tx, database_id: str) -> Database:
    found = store.get(tx, database_id)
    if found is None:
        raise Conflict("database_removed", "The database was deleted meanwhile.", hint="Create it again.")
    return found
