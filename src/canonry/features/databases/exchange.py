"""For restores: databases beside the live one, and letting one take its place."""

from datetime import timedelta

from psycopg.conninfo import make_conninfo

from canonry.core.clock import now
from canonry.core.errors import Conflict
from canonry.core.secret import Secret
from canonry.features import projects
from canonry.features.databases import making, store
from canonry.features.databases.context import Context
from canonry.features.databases.events import DatabaseMoved
from canonry.features.databases.models import Database, Role, State, Wish
from canonry.features.databases.rules import names_of
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx


def register(tx: Tx, context: Context, live: Database, role: Role, source: str) -> Database:
    """Add a database that somebody is about to make beside a live one, of its size, and return it; it is `creating` until `ready`.

    role: restored or drill. source: the backup it comes from. Its cluster is the caller's to make, and to start by `spec_of`.
    """
    wish = Wish(live.tier, live.disk_mb, sleeps=live.sleeps, public=False)
    return making.added(tx, context, projects.get_any(tx, live.project_id), live.environment, wish, role=role, source=source)


def emptied(context: Context, database: Database) -> Database:
    """Make the cluster of a registered database anew: empty, running, its own logins let in. May be called twice. Raises: CanonryError."""
    context.ports.clusters.remove(database.cluster_id)
    making.provide(context, database)
    with context.transactions.begin() as tx:
        return making.held(tx, database.id)


def owners_url(context: Context, database: Database) -> Secret:
    """Return an address by which its app's own login signs in, whose objects belong to the owner, without the proxy."""
    clusters = context.ports.clusters
    names = names_of(clusters, database.cluster_id)
    password = context.vault.open(database.sealed_password, bound=database.bound).reveal()
    address = clusters.admin_url(database.cluster_id, names.database).reveal()
    return Secret(make_conninfo(address, user=database.login, password=password))


def ready(context: Context, database: Database) -> Database:
    """Let its own logins, and no other, into a database whose cluster runs, and note that it is ready. May be called twice."""
    making.equip(context, database)
    look = making.seen(context, database)
    with context.transactions.begin() as tx:
        return making.made(tx, database, look)


def keep_still(tx: Tx, database: Database, seconds: float) -> None:
    """Let nothing start or look at its cluster for so long: somebody works on it. 0: it may be looked after again."""
    store.update(tx, database.id, {"busy_until": now() + timedelta(seconds=seconds) if seconds else None})


def swap(tx: Tx, vault: Vault, old: Database, new: Database, *, shared: bool = False) -> tuple[Database, Database]:
    """Let `new` take the place of the live `old`: its port, its login and password, its environment. Returns (new, old) as they are now.

    shared: on a server with others each keeps its address and its login, because both carry its name: the app is started anew with the
    new ones. The old one becomes retired, with what the new one had. The clusters are the caller's: after the commit stop both, start both
    by `spec_of`, then `equip` the new one; clients that connect meanwhile wait. Raises: Conflict `database_moved_on`.
    """
    held = {row.id: row for row in (store.hold(tx, key) for key in sorted((old.id, new.id))) if row is not None}
    before, after = held.get(old.id), held.get(new.id)
    goes = before is not None and before.role is Role.LIVE and before.state is not State.REMOVING
    comes = after is not None and after.role is not Role.LIVE and after.state is State.ACTIVE
    if before is None or after is None or not goes or not comes:
        raise Conflict("database_moved_on", "One of the two databases is not what it was.", hint="Look at them: canonry db ls.")
    taken: dict[str, object] = {} if shared else {
        "rotated_at": before.rotated_at, "previous_until": before.previous_until, **_place(vault, before, after),
    }  # fmt: skip
    store.update(tx, before.id, {"role": str(Role.RETIRED), **({} if shared else _place(vault, after, before))})
    store.update(tx, after.id, {
        "role": str(Role.LIVE), "environment": before.environment, "tier": before.tier, "disk_mb": before.disk_mb,
        "sleeps": before.sleeps, "public": before.public, **taken,
    })  # fmt: skip
    if shared:
        tx.emit(DatabaseMoved(before.organization_id, before.project_id, before.environment, after.id),
                before={"database": before.id}, after={"database": after.id})  # fmt: skip
    now_live, now_retired = store.get(tx, after.id), store.get(tx, before.id)
    if now_live is None or now_retired is None:
        raise Conflict("database_moved_on", "One of the two databases was deleted meanwhile.")
    return now_live, now_retired


def _place(vault: Vault, of: Database, to: Database) -> dict[str, object]:
    """Return what `to` takes over from `of`, its secrets sealed for the row they come to."""
    sealed = {"sealed_password": of.sealed_password, "sealed_previous": of.sealed_previous}
    again = {
        name: None if value is None else vault.seal(vault.open(value, bound=of.bound).reveal(), bound=to.bound)
        for name, value in sealed.items()
    }  # fmt: skip
    return {"port": of.port, "login": of.login, "previous_login": of.previous_login, **again}
