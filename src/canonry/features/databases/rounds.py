"""The rounds: databases that shall run do, those nobody uses sleep, those that are too large take no more, what is condemned goes.

Everything stands in the table and in the clusters, so a restart loses nothing; everything may be done twice.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

from canonry.core.clock import now
from canonry.core.errors import CanonryError, Conflict
from canonry.features.databases import inside, making, service, store
from canonry.features.databases.context import Context
from canonry.features.databases.delivery import spec_of
from canonry.features.databases.events import DatabaseFull, DatabaseHasRoom, DatabaseNearlyFull
from canonry.features.databases.models import Database, Role, State
from canonry.features.databases.rules import is_nearly_full, is_to_be_kept_out, is_too_large, names_of, seconds_to_look
from canonry.infra.restarts import Restarts
from canonry.ports.clusters import ClusterState

_log = logging.getLogger(__name__)
_THREADS = 4
_LOOK_EVERY = 30.0  # seconds
_LOOK_AGAIN = 2.0  # seconds, at one whose app is kept out
_FAR_OVER = "It is far over its limit, so the app is kept out: make room (canonry db psql), or raise it (canonry db set --disk)."
_AGAIN = 10.0  # after one could not be started
_MEND_EVERY = 300.0
_PORT_LOST = 30.0  # after somebody else has had its port for so long, a database is given another one


class DatabaseRounds:
    """Looks once a second; what takes long is done in the background. One at a time in a Canonry (the caller sees to that)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: deque[tuple[str, Callable[[], None]]] = deque()
        self._busy: set[str] = set()  # databases that wait for a thread or have one
        self._threads: list[threading.Thread] = []
        self._next: dict[str, float] = {}  # when something is to be done again
        self._next_look: dict[str, float] = {}
        self._sizes: dict[str, tuple[float, int]] = {}  # when a database was looked at last, and how large it was
        self._restarts = Restarts()
        self._port_taken: dict[str, float] = {}  # since when somebody else has the port of a database
        self._every = _LOOK_EVERY

    def round(self) -> None:
        """Look once at everything."""
        clusters = self._context.ports.clusters
        states = {state.id: state for state in clusters.states()}
        with self._context.transactions.begin() as tx:
            databases = store.everything(tx)
        for database in databases:
            if (work := self._work(database, states.get(database.cluster_id))) is not None:
                self._in_background(database.id, work)
        self._staff()
        known = {database.id for database in databases}
        for kept in (self._next, self._next_look, self._sizes, self._port_taken):
            for gone in kept.keys() - known:
                kept.pop(gone, None)
        self._restarts.forget_all_but(known)

    def close(self) -> None:
        """Stop looking; the databases go on."""
        self._waiting.clear()

    def _work(self, database: Database, state: ClusterState | None) -> Callable[[], None] | None:
        """Return what is to be done about a database now."""
        if self._next.get(database.id, 0.0) > time.monotonic():
            return None
        if database.state is State.REMOVING or making.is_left_over(database):
            return partial(self._remove, database)
        if database.state is not State.ACTIVE or making.is_busy(database):
            return None
        if database.previous_until is not None and database.previous_until <= now():
            return partial(self._retire, database)
        if state is not None and state.asleep:
            return None
        if state is None or not state.running:
            may_start = database.role is not Role.RETIRED and self._restarts.may(database.id)
            return partial(self._start, database) if may_start else None
        return partial(self._look, database) if self._next_look.get(database.id, 0.0) <= time.monotonic() else None

    def _retire(self, database: Database) -> None:
        self._next[database.id] = time.monotonic() + _AGAIN
        if (current := self._now(database)) is not None:
            service.retire(self._context, current)
        self._next.pop(database.id, None)

    def _start(self, database: Database) -> None:
        if (current := self._now(database)) is None:
            return
        self._restarts.begins(database.id)
        try:
            self._context.ports.clusters.start(spec_of(current))
        except CanonryError as error:
            self._refused(current, error)
            return
        self._restarts.forget(database.id)
        self._port_taken.pop(database.id, None)
        if database.reason:
            self._note(database, {"reason": ""})

    def _refused(self, database: Database, error: CanonryError) -> None:
        """Say why a database does not start, and settle when to try again, and where."""
        _log.warning("database %s does not start: %s", database.id, error)
        self._note(database, {"reason": f"{error.message} {error.hint}".strip()})
        moment = time.monotonic()
        if error.code == "port_taken":
            self._next[database.id] = moment + _AGAIN
            since = self._port_taken.setdefault(database.id, moment)
            if moment - since >= _PORT_LOST and not database.public:  # who comes from outside knows the address: there it takes a person
                making.move(self._context, database)
                self._port_taken.pop(database.id, None)
                self._next.pop(database.id, None)
                self._restarts.forget(database.id)
        elif isinstance(error, Conflict) and error.code != "busy":  # it takes a person: looking every few seconds does not help
            self._next[database.id] = moment + _MEND_EVERY

    def _look(self, database: Database) -> None:
        """Look at its size, and let it sleep when nobody has used it for an hour."""
        self._next_look[database.id] = time.monotonic() + self._every
        clusters = self._context.ports.clusters
        names = names_of(clusters, database.cluster_id)
        look = making.seen(self._context, database)
        if look.overdue:
            inside.dismiss_guests(clusters.admin_url(database.cluster_id, names.database), names)
        changes: dict[str, object] = {
            "size_bytes": look.size_bytes, "version": look.version, "reason": "", "nearly_full": is_nearly_full(database, look.size_bytes),
        }  # fmt: skip
        if look.connections:
            changes["last_used_at"] = now()
        too_large = is_too_large(database, look.size_bytes)
        if too_large is not database.read_only:
            inside.refuse_writes(clusters.admin_url(database.cluster_id), names, refuse=too_large, shared=not clusters.can_restore)
            changes["read_only"] = too_large
        changes["reason"] = self._bound(database, look)
        if any(getattr(database, name) != value for name, value in changes.items()):
            self._note(database, changes)
        state = clusters.state(database.cluster_id)
        used = max(database.last_used_at.timestamp(), state.last_used if state is not None else 0.0)
        after = self._context.settings.database_sleep
        if database.sleeps and after and not look.connections and time.time() - used > after:
            clusters.sleep(database.cluster_id)

    def _bound(self, database: Database, look: inside.Look) -> str:
        """Keep the app out when it writes on far over its limit; return why, empty when it is not. Look sooner at one that grows."""
        moment, limit, clusters = time.monotonic(), database.disk_mb << 20, self._context.ports.clusters
        before, known = self._sizes.get(database.id, (moment, look.size_bytes))
        self._sizes[database.id] = (moment, look.size_bytes)
        out = is_to_be_kept_out(database, look, grown=look.size_bytes - known)
        if out or look.kept_out:
            _log.warning("database %s: the app is %s at %d bytes", database.id, "kept out" if out else "let in", look.size_bytes)
            names = names_of(clusters, database.cluster_id)
            inside.keep_out(clusters.admin_url(database.cluster_id), names, database.tier, out=out)
        wait = seconds_to_look(limit, known, look.size_bytes, moment - before, longest=self._every)
        self._next_look[database.id] = moment + (min(wait, _LOOK_AGAIN) if out else wait)
        return _FAR_OVER if out else ""

    def _note(self, database: Database, changes: dict[str, object]) -> None:
        with self._context.transactions.begin() as tx:
            current = store.hold(tx, database.id)
            if current is None:
                return
            if changes.get("nearly_full") is False:
                changes = {**changes, "fill_told": ""}
            store.update(tx, database.id, changes)
            if (kind := _happened(current, changes)) is not None:
                names = ("read_only", "nearly_full", "size_bytes")
                tx.emit(kind(current.organization_id, current.project_id, current.environment, current.id),
                        before={name: getattr(current, name) for name in names},
                        after={name: changes.get(name, getattr(current, name)) for name in names} | {"limit_bytes": current.disk_mb << 20},
                        )  # fmt: skip

    def _remove(self, database: Database) -> None:
        self._next[database.id] = time.monotonic() + _AGAIN
        making.discard(self._context, database, still=lambda row: row.state is State.REMOVING or making.is_left_over(row))

    def _now(self, database: Database) -> Database | None:
        """Return its row as it is now, for it has waited for a thread; None when somebody works on it or it is to go."""
        with self._context.transactions.begin() as tx:
            current = store.get(tx, database.id)
        return None if current is None or current.state is not State.ACTIVE or making.is_busy(current) else current

    def _in_background(self, key: str, work: Callable[[], None]) -> None:
        """Let a thread do it, one thing at a time for each database."""
        if key in self._busy:
            return
        self._busy.add(key)
        self._waiting.append((key, work))

    def _staff(self) -> None:
        """See to it that there are threads for what waits. No pool: Python waits for those when it ends, and a recovery takes long."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for _ in range(min(_THREADS - len(self._threads), len(self._waiting))):
            self._threads.append(threading.Thread(target=self._work_off, name="databases", daemon=True))
            self._threads[-1].start()

    def _work_off(self) -> None:
        """Do what waits until nothing does."""
        while True:
            try:
                key, work = self._waiting.popleft()
            except IndexError:
                return
            _guarded(key, work)
            self._busy.discard(key)


def _happened(before: Database, changes: Mapping[str, object]) -> type[DatabaseFull | DatabaseNearlyFull | DatabaseHasRoom] | None:
    """Return what is to be told of how full it is now, when that is something else than before."""
    refused = changes.get("read_only", before.read_only)
    if refused != before.read_only:
        return DatabaseFull if refused else DatabaseHasRoom
    if changes.get("nearly_full") and not before.nearly_full and not refused:
        return DatabaseNearlyFull
    return None


def _guarded(key: str, work: Callable[[], None]) -> None:
    try:
        work()
    except CanonryError as error:
        _log.warning("database %s waits: %s", key, error)
    except Exception:  # noqa: BLE001 -- the edge of a background thread; it is logged with its traceback
        _log.exception("database %s", key)
