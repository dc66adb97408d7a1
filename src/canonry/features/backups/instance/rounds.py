"""When Canonry's own state goes to the archive: WAL every second, files every minute as they change, a base backup every day."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from canonry.core.alarms import Alarm
from canonry.core.errors import CanonryError, Conflict
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.features.backups.context import Context
from canonry.features.backups.instance import rows, taking
from canonry.features.backups.instance.models import Snapshot
from canonry.features.backups.instance.place import Place, platform_of
from canonry.infra.backup import wal
from canonry.infra.backup.key import load_key
from canonry.infra.locks import FileLock
from canonry.infra.postgres import Postgres
from canonry.infra.postgres.programs import unpack

_log = logging.getLogger(__name__)
_FILES_EVERY, _VOLUMES_EVERY, _BASE_EVERY = 60.0, 600.0, 3600.0
_AGAIN = 30.0
_PATIENCE = 900.0
_failing: dict[str, tuple[float, str]] = {}  # home → since when, and why


class InstanceRounds:
    """Looks once a second; the work is done in a thread of its own, by one process of a home at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="backup")
        self._under_way: Future[None] | None = None
        self._next = dict.fromkeys(("files", "volumes", "base", "all"), 0.0)
        self._base = ""
        self._seen: taking.Seen = {}

    def round(self) -> None:
        """Begin what is due, unless the last thing goes on."""
        busy = self._under_way is not None and not self._under_way.done()
        if not busy and time.monotonic() >= self._next["all"] and (self._has_spool() or self._is_due("files") or self._is_due("base")):
            self._under_way = self._pool.submit(self._guarded)

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _has_spool(self) -> bool:
        spool = self._context.home.postgres / "spool"
        return spool.is_dir() and any(not entry.name.startswith((".", "GAP.closing")) for entry in spool.iterdir())

    def _is_due(self, what: str) -> bool:
        return time.monotonic() >= self._next[what]

    def _guarded(self) -> None:
        lock = FileLock(self._context.home.run / "backup.lock")
        home = str(self._context.home.root)
        try:
            if not lock.take():
                return  # `canonry backup` is at it
            self._work()
            _failing.pop(home, None)
        except (CanonryError, OSError) as error:
            _failing.setdefault(home, (time.time(), str(error)))
            self._next["all"] = time.monotonic() + _AGAIN
            _log.warning("backup of Canonry itself: %s", error)
        except Exception:  # noqa: BLE001 -- the edge of a background thread: the next round tries again
            self._next["all"] = time.monotonic() + _AGAIN
            _log.exception("backup of Canonry itself")
        finally:
            lock.let_go()

    def _work(self) -> None:
        context = self._context
        place = place_of(context)
        if own_rows(context.settings):
            wal.ship(context.home.postgres, place.archive)
            self._keep_base(place)
        if self._is_due("files"):
            self._next["files"] = time.monotonic() + _FILES_EVERY
            volumes = self._is_due("volumes")
            taking.take(context, place, base=self._base, with_volumes=volumes, seen=self._seen)
            if volumes:
                self._next["volumes"] = time.monotonic() + _VOLUMES_EVERY
        if own_rows(context.settings) and not (context.home.postgres / "archive.sh").exists():
            raise Conflict("archiving_off", "Canonry's own PostgreSQL was started by an older version and keeps no WAL for the archive: "
                           "its rows are safe only up to the last base backup.",
                           hint="Start it anew once: canonry down, then canonry up.")  # fmt: skip

    def _keep_base(self, place: Place) -> None:
        """See to it that there is a base backup of today, behind any gap; when there is a new one, old ones go."""
        home = self._context.home
        url, programs = Postgres(home).database_url("postgres"), unpack(home.toolchains)
        made = rows.close_gaps(place, url, programs, home.postgres)
        if made is None and self._is_due("base"):
            made = rows.base_of_today(place, url, programs)
        if made is not None:
            self._next["base"] = time.monotonic() + _BASE_EVERY
            if self._base != made.id:
                rows.drop_old(place, self._context.settings.backups_days)
            self._base = made.id


def own_rows(settings: Settings) -> bool:
    """Say whether the rows are in a PostgreSQL of Canonry's own; what an outside server has, its own backups keep."""
    return settings.database_url is None


def place_of(context: Context) -> Place:
    """Return where this Canonry lies in the archive; the key is made at the first call. Raises: Conflict `backup_key_damaged`."""
    home, settings = context.home, context.settings
    return Place(context.ports.objects, load_key(key_file(settings, home)), platform_of(context.vault))


def key_file(settings: Settings, home: Home) -> Path:
    """Return the file that the key of backups is in."""
    return Path(settings.backups_key_file) if settings.backups_key_file else home.backups_key


def create(context: Context, *, anew: bool) -> Snapshot:
    """Bring the archive up to date with everything as it is now. The caller holds the lock. anew: with a new base backup of the rows."""
    place, base_id = place_of(context), ""
    if own_rows(context.settings):
        url = Postgres(context.home).database_url("postgres")
        base_id = rows.base_of_today(place, url, unpack(context.home.toolchains), anew=anew).id
    snapshot = taking.take(context, place, base=base_id, with_volumes=True)
    if own_rows(context.settings):
        rows.finish_segment(url, context.home.postgres)
        wal.ship(context.home.postgres, place.archive)
    return snapshot


def alarms(context: Context) -> list[Alarm]:
    """Return an alarm when Canonry itself could not be backed up for a while."""
    since, why = _failing.get(str(context.home.root), (time.time(), ""))
    if time.time() - since < _PATIENCE:
        return []
    minutes = int(time.time() - since) // 60
    return [Alarm("backup_failing", f"Canonry itself is not backed up since {minutes} minutes: {why}", "canonry backup create says more.")]
