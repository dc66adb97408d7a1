"""The rounds: now and then every volume is measured. A limit that is passed is told, not enforced: see docs/guides/volumes.md."""

import logging
import threading
import time

from canonry.core.errors import CanonryError
from canonry.features.volumes import folders, store
from canonry.features.volumes.context import Context
from canonry.features.volumes.events import VolumeFull, VolumeNoLongerFull
from canonry.features.volumes.service import facts
from canonry.infra.tx import Tx

_log = logging.getLogger(__name__)
_EVERY = 60.0
_SHARE = 50  # of the time, one part is spent on measuring at most: a volume may hold millions of files


class VolumeRounds:
    """Measures in a thread of its own. One at a time in a Canonry (the caller sees to that)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._thread: threading.Thread | None = None
        self._closing = False
        self._next = 0.0

    def round(self) -> None:
        """See to it that somebody measures when it is time."""
        if self._next > time.monotonic() or (self._thread is not None and self._thread.is_alive()):
            return
        self._next = time.monotonic() + _EVERY
        self._thread = threading.Thread(target=self._look, name="volumes", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Measure nothing more."""
        self._closing = True

    def measure(self) -> None:
        """Measure every volume once; return when it is done."""
        with self._context.transactions.begin() as tx:
            rows = store.everything(tx)
        for volume in rows:
            folder = folders.folder_of(self._context.home, volume.id)
            if self._closing or not folder.is_dir():
                continue
            usage = folders.measure(folder)
            with self._context.transactions.begin() as tx:
                _note(tx, volume.id, usage)

    def _look(self) -> None:
        begun = time.monotonic()
        try:
            self.measure()
        except CanonryError as error:
            _log.warning("volumes wait: %s", error)
        except Exception:  # noqa: BLE001 -- the edge of a background thread
            _log.exception("volumes")
        self._next = max(self._next, time.monotonic() + _SHARE * (time.monotonic() - begun))


def _note(tx: Tx, volume_id: str, usage: folders.Usage) -> None:
    """Note what a volume holds, and tell when that begins or ceases to be too much."""
    before = store.get(tx, volume_id)
    if before is None:  # removed meanwhile
        return
    store.measured(tx, volume_id, usage.bytes, usage.files)
    after = store.get(tx, volume_id) or before
    if (before.full_at is None) != (after.full_at is None):
        kind = VolumeFull if after.full_at is not None else VolumeNoLongerFull
        tx.emit(kind(after.organization_id, after.project_id, after.id), before=facts(before), after=facts(after))
