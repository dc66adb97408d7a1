"""Use cases: create, look, change, replace the password, let a person in, upgrade, delete."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from canonry.core.access import Actor, Permission, require
from canonry.core.clock import now
from canonry.core.environments import PRODUCTION, is_preview
from canonry.core.errors import CanonryError, Conflict, Invalid, Issue, NotFound
from canonry.core.secret import Secret
from canonry.features import env, projects
from canonry.features.databases import inside, making, store
from canonry.features.databases.context import Context
from canonry.features.databases.delivery import access_of, spec_of
from canonry.features.databases.events import DatabaseChanged, DatabaseCreated, DatabaseDeleted, DatabaseOpened, DatabaseRotated
from canonry.features.databases.models import Access, Database, Role, Shown, State, Wish
from canonry.features.databases.rules import URL, check_wish, facts, names_of, new_password, other_login, require_free_name, status_of
from canonry.features.projects import Project
from canonry.infra.tx import Tx

MOST_HOURS = 24 * 7
_CLAIM_SECONDS = 120.0


@dataclass(frozen=True)
class Opened:
    """A database, and a way in that is shown once."""

    shown: Shown
    access: Access


type Settled = Callable[[Tx, Opened], None]
"""Called with what will be answered, in the transaction that does it: a password that is shown once must not be lost with the process."""


def create(context: Context, actor: Actor, key: str, wish: Wish, settled: Settled) -> Opened:
    """Make the database of a project; what runs of it is started anew with DATABASE_URL. The password is never shown again.

    Raises: Conflict `database_exists`, `database_url_is_set`; Invalid `invalid_database`; Unavailable.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    check_wish(wish, context.settings.database_disk, shared=not context.ports.clusters.can_restore)
    with context.transactions.begin() as tx:
        project = projects.find(tx, actor, key)
        database = making.planned(tx, context, project, PRODUCTION, wish)
        require_free_name(env.run_keys(tx, project.id, PRODUCTION), project.slug)
    done: list[Opened] = []

    def make() -> None:
        look = making.provide(context, database)
        with context.transactions.begin() as tx:
            made = making.made(tx, database, look)
            happened = DatabaseCreated(project.organization_id, project.id, PRODUCTION, database.id)
            tx.emit(happened, after={"slug": project.slug, **facts(made)})
            done.append(Opened(show(context, made), access_of(context.vault, context.ports.clusters, made)))
            settled(tx, done[0])

    making.discarding(context, database, make)
    return done[0]


def find(tx: Tx, actor: Actor, key: str, environment: str = PRODUCTION) -> Database:
    """Return what an environment of a project uses. Raises: NotFound `project_not_found`, `database_not_found`."""
    require(actor, Permission.PROJECTS_READ)
    project = projects.find(tx, actor, key)
    database = store.live(tx, project.id, environment) if "\0" not in environment else None
    if database is None:
        where = "" if environment == PRODUCTION else f" for {environment[:80]}"
        raise NotFound("database_not_found", f"{project.slug} has no database{where}.", hint="Make one: canonry db create.")
    return database


def find_any(tx: Tx, actor: Actor, key: str, database_id: str) -> Database:
    """Return a database of a project by its id, whatever it is for. Raises: NotFound `project_not_found`, `database_not_found`."""
    require(actor, Permission.PROJECTS_READ)
    project = projects.find(tx, actor, key)
    found = None if "\0" in database_id else store.find(tx, actor.organization_id, project.id, database_id)
    if found is None:
        raise NotFound("database_not_found", f"{project.slug} has no database {database_id[:60]!r}.", hint="`canonry db ls` lists them.")
    return found


def listed(tx: Tx, actor: Actor, key: str) -> Sequence[Database]:
    """Return all databases of a project: production's, those of previews, restored ones."""
    require(actor, Permission.PROJECTS_READ)
    return store.of_project(tx, projects.find(tx, actor, key).id)


def show(context: Context, database: Database, *, own: bool = False) -> Shown:
    """Return a database with how it is now. own: the project has a DATABASE_URL of its own, which wins."""
    clusters = context.ports.clusters
    state = clusters.state(database.cluster_id) if database.state is State.ACTIVE else None
    status, reason = status_of(database, state)
    host, port = clusters.address(spec_of(database))
    return Shown(database, status, reason, host, port, names_of(clusters, database.cluster_id).database, own)


def is_overridden(tx: Tx, database: Database) -> bool:
    """Say whether the app is given a DATABASE_URL of the project's own instead."""
    return URL in env.run_keys(tx, database.project_id, database.environment)


def change(context: Context, actor: Actor, key: str, wish: Wish) -> Shown:
    """Change size, sleep or reach. Another tier or reach restarts its server: clients wait a moment, open transactions end.

    Raises: Invalid `invalid_database`; Conflict `database_busy`; Unavailable.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    check_wish(wish, context.settings.database_disk, shared=not context.ports.clusters.can_restore)
    with context.transactions.begin() as tx:
        found = find(tx, actor, key)
    with making.claimed(context, found.id, _CLAIM_SECONDS) as before:
        return _changed(context, before, wish)


def _changed(context: Context, before: Database, wish: Wish) -> Shown:
    wishes = {"tier": wish.tier, "disk_mb": wish.disk_mb, "sleeps": wish.sleeps, "public": wish.public}
    changes: dict[str, Any] = {name: value for name, value in wishes.items() if value is not None and value != getattr(before, name)}
    if not changes:
        return show(context, before)
    _run_as(context, replace(before, **changes), otherwise=before)
    with context.transactions.begin() as tx:
        making.held(tx, before.id)
        store.update(tx, before.id, changes)
        after = making.held(tx, before.id)
        tx.emit(DatabaseChanged(before.organization_id, before.project_id, before.environment, before.id),
                before=facts(before), after=facts(after))  # fmt: skip
    return show(context, after)


def _run_as(context: Context, wanted: Database, *, otherwise: Database) -> None:
    """Let a cluster run as wanted; when that fails, as it did before. Raises: CanonryError."""
    clusters = context.ports.clusters
    try:
        clusters.start(spec_of(wanted))
        inside.fit(clusters.admin_url(wanted.cluster_id), names_of(clusters, wanted.cluster_id), wanted.tier)
    except CanonryError:
        with contextlib.suppress(CanonryError):  # the rounds start it again
            clusters.start(spec_of(otherwise))
        raise


def rotate(context: Context, actor: Actor, key: str, environment: str, *, at_once: bool) -> Opened:
    """Replace the password. What runs is started anew with the other login; the former one is refused when that has ended.

    at_once: refuse the former one now, and let what runs fail until it has been started anew.
    Raises: Conflict `rotation_under_way`, `database_busy`; Unavailable.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        found = find(tx, actor, key, environment)
    with making.claimed(context, found.id, _CLAIM_SECONDS) as before:  # two at a time would set one password and note the other
        after = _rotated(context, before, at_once=at_once)
    if at_once:
        after = retire(context, after)
    return Opened(show(context, after), access_of(context.vault, context.ports.clusters, after))


def _rotated(context: Context, before: Database, *, at_once: bool) -> Database:
    if before.previous_login is not None and not at_once:
        raise Conflict("rotation_under_way", f"{before.previous_login} is in use until a deployment has replaced what runs.",
                       hint="Wait for that deployment, or refuse every other login now: canonry db rotate --now.")  # fmt: skip
    clusters, password = context.ports.clusters, Secret(new_password())
    login = other_login(names_of(clusters, before.cluster_id), before.login)
    clusters.start(spec_of(before))
    inside.open_login(clusters.admin_url(before.cluster_id), inside.Login(login, password))
    changes: dict[str, object] = {
        "login": login, "sealed_password": context.vault.seal(password.reveal(), bound=before.bound), "rotated_at": now(),
        "previous_login": before.login, "sealed_previous": before.sealed_password, "previous_until": now() if at_once else None,
    }  # fmt: skip
    with context.transactions.begin() as tx:
        if making.held(tx, before.id).login != before.login:  # our time was over, and somebody else's came
            raise making.busy()
        store.update(tx, before.id, changes)
        after = making.held(tx, before.id)
        tx.emit(DatabaseRotated(after.organization_id, after.project_id, after.environment, after.id), before=facts(before),
                after={**facts(after), "at_once": at_once})  # fmt: skip
    return after


def retire(context: Context, database: Database) -> Database:
    """Refuse the login of before the last rotation from now on, and return the database as it is then. Harmless twice."""
    if database.previous_login is None:
        return database
    context.ports.clusters.start(spec_of(database))
    inside.close_login(context.ports.clusters.admin_url(database.cluster_id), database.previous_login)
    with context.transactions.begin() as tx:
        current = store.hold(tx, database.id)
        if current is not None and current.previous_login == database.previous_login:
            store.update(tx, database.id, {"previous_login": None, "sealed_previous": None, "previous_until": None})
        return store.get(tx, database.id) or database


def admit(context: Context, actor: Actor, key: str, environment: str, hours: int, settled: Settled) -> Opened:
    """Make a login of a person's own for some hours, which may do what the app may. Raises: Invalid `invalid_hours`; Unavailable."""
    require(actor, Permission.PROJECTS_DEPLOY)
    if not 1 <= hours <= MOST_HOURS:
        raise Invalid("invalid_hours", f"A login of one's own is for 1 to {MOST_HOURS} hours.", hint="Ask again when it has ended.",
                      issues=[Issue("body.hours", f"must be from 1 to {MOST_HOURS}", "range")])  # fmt: skip
    with context.transactions.begin() as tx:
        database = making.ready(find(tx, actor, key, environment))
    return _admitted(context, database, hours, settled)


def admit_to(context: Context, actor: Actor, key: str, database_id: str, hours: int, settled: Settled) -> Opened:
    """Make a login of a person's own for a database that is not what an environment uses: a restored one."""
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        database = making.ready(find_any(tx, actor, key, database_id))
    return _admitted(context, database, hours, settled)


def _admitted(context: Context, database: Database, hours: int, settled: Settled) -> Opened:
    clusters, password, until = context.ports.clusters, Secret(new_password()), now() + timedelta(hours=hours)
    clusters.start(spec_of(database))
    names = names_of(clusters, database.cluster_id)
    guest = inside.admit_guest(clusters.admin_url(database.cluster_id), names, database.tier, password, until)
    host, port = clusters.address(spec_of(database))
    options = dict(clusters.options())
    if database.public and not context.settings.base_is_local:  # a person may sit elsewhere
        host, options = context.settings.base_domain, {**options, "sslmode": "require"}
    opened = Opened(show(context, database), Access(guest, password, host, port, names.database, options, until))
    with context.transactions.begin() as tx:
        tx.emit(DatabaseOpened(database.organization_id, database.project_id, database.environment, database.id),
                after={"login": guest, "until": until.isoformat()})  # fmt: skip
        settled(tx, opened)
    return opened


def delete(context: Context, actor: Actor, key: str) -> None:
    """Delete the database of a project with everything in it: from now on nobody can connect.

    Raises: NotFound `database_not_found`; Conflict `database_busy`; Unavailable.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        database = _condemned(tx, find(tx, actor, key))
    making.discard(context, database)


def delete_other(context: Context, actor: Actor, key: str, database_id: str) -> None:
    """Delete a database that nothing uses: one that another took the place of, or that was kept beside an upgrade.

    Raises: NotFound `database_not_found`; Conflict `database_in_use`, `database_busy`; Unavailable.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    with context.transactions.begin() as tx:
        database = find_any(tx, actor, key, database_id)
        if database.role is not Role.RETIRED:
            hints = {Role.LIVE: "Remove it with its project or preview: canonry db rm, canonry previews rm.",
                     Role.RESTORED: "Discard the restore it belongs to."}  # fmt: skip
            raise Conflict("database_in_use", f"{database.id} is {database.role}, and only retired ones are deleted by their id.",
                           hint=hints.get(database.role, "It goes by itself."))  # fmt: skip
        _condemned(tx, database)
    making.discard(context, database)


def _condemned(tx: Tx, found: Database) -> Database:
    """Note that a database is to be removed, and that somebody wanted that. Raises: Conflict `database_removed`, `database_busy`."""
    database = making.held(tx, found.id)
    if making.is_busy(database) or database.role is not found.role:  # or it has just taken the place of another
        raise making.busy()
    store.update(tx, database.id, {"state": str(State.REMOVING)})
    happened = DatabaseDeleted(database.organization_id, database.project_id, database.environment, database.id)
    tx.emit(happened, before={**facts(database), "size_bytes": database.size_bytes})
    return database


def clusters_of(tx: Tx, project: Project) -> list[str]:
    """Return the clusters of a project, for whoever deletes it."""
    return store.clusters_of(tx, project.id)


def close(tx: Tx, project_id: str, environment: str) -> None:
    """Note that the databases of a preview are no longer needed; `clear` removes them."""
    if is_preview(environment):
        store.condemn(tx, project_id, environment)


def clear(context: Context, project_id: str, environment: str) -> None:
    """Remove the databases of a preview that was closed. Harmless twice."""
    with context.transactions.begin() as tx:
        databases = store.removing(tx, project_id, environment)
    for database in databases:
        making.discard(context, database)
