"""The rounds: segments go to the archive as they come, backups are made when they are due, what has had its time goes."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial

from canonry.core.alarms import Alarm
from canonry.core.clock import now
from canonry.core.errors import CanonryError
from canonry.features import databases
from canonry.features.backups.archiving import rules, service, store
from canonry.features.backups.archiving.models import DatabaseBackup, Due, State
from canonry.features.backups.context import Context
from canonry.features.databases import Database
from canonry.ports.clusters import ClusterState

_log = logging.getLogger(__name__)
_SHIPPING, _MAKING = 4, 1  # threads
_LIST_EVERY, _DUE_EVERY, _CLEAR_EVERY = 5.0, 20.0, 3600.0
_AGAIN = 10.0  # after the archive did not take a segment
_PATIENCE = 300.0  # until that is an alarm
_behind: dict[str, tuple[float, str]] = {}  # database → since when the archive does not take its segments, and why


class ArchiveRounds:
    """Looks once a second and never waits: a few threads send, one of its own makes backups, one after the other."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._shipping = ThreadPoolExecutor(max_workers=_SHIPPING, thread_name_prefix="segments")
        self._making = ThreadPoolExecutor(max_workers=_MAKING, thread_name_prefix="backups")
        self._busy: dict[str, Future[None]] = {}
        self._databases: list[Database] = []
        self._next = dict.fromkeys(("list", "due", "clear"), 0.0)
        self._pause: dict[str, float] = {}
        self._is_first = True
        self._began = now()
        self._there: dict[str, set[str] | None] = {}  # cluster → base backups in the archive, which may be another one than last time

    def round(self) -> None:
        """Look once at everything."""
        if self._is_first:
            service.fail_interrupted(self._context)
            self._is_first = False
        if self._is_time("list", _LIST_EVERY):
            with self._context.transactions.begin() as tx:
                self._databases = [row for row in databases.everything(tx) if row.is_archived and row.state == "active"]
        for database in self._databases:
            if self._context.ports.clusters.can_restore and self._waits(database):
                self._begin(self._shipping, f"ship {database.id}", partial(self._ship, database))
        if self._databases and self._is_time("due", _DUE_EVERY):
            self._begin_due()
        if self._is_time("clear", _CLEAR_EVERY):
            self._begin(self._making, "clear", self._clear)

    def close(self) -> None:
        """Begin nothing more."""
        self._shipping.shutdown(wait=False, cancel_futures=True)
        self._making.shutdown(wait=False, cancel_futures=True)

    def _is_time(self, what: str, every: float) -> bool:
        if time.monotonic() < self._next[what]:
            return False
        self._next[what] = time.monotonic() + every
        return True

    def _waits(self, database: Database) -> bool:
        """Say whether something lies in the spool that may be sent now."""
        if time.monotonic() < self._pause.get(database.id, 0.0):
            return False
        try:
            spool = self._context.ports.clusters.folder(database.cluster_id) / "spool"
            return any(not path.name.startswith((".", "GAP")) for path in spool.iterdir())
        except OSError:
            return False

    def _ship(self, database: Database) -> None:
        try:
            service.ship(self._context, database)
            _behind.pop(database.id, None)
        except (CanonryError, OSError) as error:
            self._pause[database.id] = time.monotonic() + _AGAIN
            if database.id not in _behind:
                _log.warning("segments of database %s stay in its spool: %s", database.id, error)
            _behind.setdefault(database.id, (time.time(), str(error)))

    def _begin_due(self) -> None:
        states = {state.id: state for state in self._context.ports.clusters.states()}
        moment = now()
        with self._context.transactions.begin() as tx:
            made = store.of_clusters(tx, [database.cluster_id for database in self._databases])
        for database in self._databases:
            backups = made[database.cluster_id]
            if (due := self._due(database, backups, states.get(database.cluster_id), moment)) is not None:
                self._begin(self._making, f"make {database.id}", partial(self._make, database, due))

    def _due(self, database: Database, backups: list[DatabaseBackup], state: ClusterState | None, moment: datetime) -> Due | None:
        clusters = self._context.ports.clusters
        at_work = database.busy_until is not None and database.busy_until > moment
        if state is None or not (state.running or state.asleep) or at_work or any(backup.state is State.RUNNING for backup in backups):
            return None
        if clusters.can_restore and any(backup.is_base and backup.state is State.DONE for backup in backups):
            if self._there.get(database.cluster_id) is None:
                self._begin(self._shipping, f"look {database.id}", partial(self._look, database.cluster_id))
            if database.cluster_id not in self._there:
                return None
            backups = rules.still_there(backups, self._there[database.cluster_id], since=self._began)
        gap = clusters.can_restore and (clusters.folder(database.cluster_id) / "spool" / "GAP").exists()
        used = max(database.last_used_at, datetime.fromtimestamp(state.last_used, moment.tzinfo))
        if state.running and not state.asleep:
            used = moment  # somebody may be at it
        return rules.due(backups, moment, gap=gap, used_at=used, can_restore=clusters.can_restore)

    def _make(self, database: Database, due: Due) -> None:
        with self._context.transactions.begin() as tx:
            current = databases.get(tx, database.id)  # it has waited for the thread, for hours when others are large
        if current is None or not current.is_archived or current.state != "active":
            return
        backup = service.make(self._context, current, due)
        if backup is not None and backup.state is State.FAILED:
            _log.warning("backup %s of database %s failed: %s", backup.id, database.id, (backup.error or {}).get("message"))
        elif backup is not None and self._context.ports.clusters.can_restore:
            self._there[database.cluster_id] = {*(self._there.get(database.cluster_id) or ()), backup.id}
            self._ship(database)

    def _look(self, cluster: str) -> None:
        """Find out which base backups the archive has; one that does not answer is asked again, and the rows are believed until then."""
        self._there.setdefault(cluster, None)
        listed = self._context.ports.objects.list(f"base/{cluster}")
        self._there[cluster] = {item.key.split("/")[2] for item in listed if item.key.endswith("/info")}
        self._next["due"] = 0.0  # whoever waited for this

    def _clear(self) -> None:
        for database in self._databases:
            service.clear(self._context, database)
        service.clear_abandoned(self._context)

    def _begin(self, pool: ThreadPoolExecutor, key: str, work: Callable[[], None]) -> None:
        """Do it in a thread, unless it is being done."""
        before = self._busy.get(key)
        if before is None or before.done():
            self._busy[key] = pool.submit(_guarded, key, work)


def alarms(context: Context) -> list[Alarm]:
    """Return an alarm for each database whose changes the archive has not taken for some minutes."""
    del context
    late = [(name, since, why) for name, (since, why) in list(_behind.items()) if time.time() - since > _PATIENCE]
    return [
        Alarm("archive_behind", f"The changes of database {name} are in no archive since {int(time.time() - since) // 60} minutes: {why}",
              "They are kept beside the database, up to a limit; then the oldest are let go and there is a gap. Mend the archive.")
        for name, since, why in late
    ]  # fmt: skip


def _guarded(key: str, work: Callable[[], None]) -> None:
    try:
        work()
    except (CanonryError, OSError) as error:
        _log.warning("backups (%s): %s", key, error)
    except Exception:  # noqa: BLE001 -- the edge of a background thread: the next round tries again
        _log.exception("backups (%s)", key)
