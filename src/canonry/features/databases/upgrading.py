"""Moving a database to the PostgreSQL that this Canonry brings; what it was stays beside it until somebody removes that."""

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Conflict
from canonry.features.databases import making, service, store
from canonry.features.databases.context import Context
from canonry.features.databases.delivery import spec_of
from canonry.features.databases.events import DatabaseUpgraded
from canonry.features.databases.exchange import register
from canonry.features.databases.models import Database, Role, Shown, State
from canonry.features.databases.rules import facts
from canonry.infra.postgres import programs as bundled

_LONGEST_SECONDS = 3600.0


def upgrade(context: Context, actor: Actor, key: str) -> Shown:
    """Copy the database as it is, then move it to the newer version. Clients wait; a failure leaves it as it was.

    Raises: Conflict `database_is_current`, `database_busy`; Unavailable `upgrade_failed`, `not_on_outside_server`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    clusters = context.ports.clusters
    with context.transactions.begin() as tx:
        database = making.ready(service.find(tx, actor, key))
    newest = bundled.major_version(bundled.unpack(context.home.toolchains))
    version = clusters.version(database.cluster_id)
    if not clusters.can_restore:
        raise Conflict("database_is_outside", "The database lies on a server outside, whose version is not Canonry's to change.",
                       hint="Upgrade that server.")  # fmt: skip
    if version >= newest:
        raise Conflict("database_is_current", f"The database has PostgreSQL {version} already, the newest that this Canonry brings.",
                       hint="A later Canonry may bring a newer one.")  # fmt: skip
    with making.claimed(context, database.id, _LONGEST_SECONDS) as claimed:
        return _moved(context, claimed)


def _moved(context: Context, database: Database) -> Shown:
    clusters = context.ports.clusters
    with context.transactions.begin() as tx:
        before = register(tx, context, database, Role.RETIRED, source=database.id)

    def move() -> None:
        clusters.stop(database.cluster_id)
        clusters.copy(database.cluster_id, before.cluster_id)
        clusters.upgrade(database.cluster_id)

    try:
        making.discarding(context, before, move)
    finally:
        clusters.start(spec_of(database))  # as it was, when the move failed
    return _noted(context, database, before)


def _noted(context: Context, database: Database, before: Database) -> Shown:
    look = making.seen(context, database)
    with context.transactions.begin() as tx:
        store.update(tx, database.id, {"version": look.version, "size_bytes": look.size_bytes, "reason": ""})
        store.update(tx, before.id, {"state": str(State.ACTIVE), "version": database.version, "size_bytes": database.size_bytes})
        found = store.get(tx, database.id) or database
        tx.emit(DatabaseUpgraded(database.organization_id, database.project_id, database.environment, database.id),
                before=facts(database), after={**facts(found), "kept": before.id})  # fmt: skip
    return service.show(context, found)
