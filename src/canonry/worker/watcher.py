"""Does the rounds once a second, in one process of a Canonry at a time: whoever holds the advisory lock."""

import logging
import threading
from collections.abc import Sequence

import psycopg
from psycopg import Connection

from canonry.core.errors import CanonryError
from canonry.core.secret import Secret
from canonry.infra.db import Row, connect
from canonry.infra.rounds import Rounds

_log = logging.getLogger(__name__)
_LOCK = 7_226_680  # key of the advisory lock; the database frees it when its holder's connection ends, also by kill -9
_EVERY = 1.0
_TRY_AGAIN = 2.0


class Watcher:
    """A thread that does the rounds."""

    def __init__(self, url: Secret, rounds: Sequence[Rounds]) -> None:
        self._url = url
        self._parts = rounds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin; the first round comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round under way."""
        self._stopping.set()
        self._thread.join()
        for part in self._parts:
            part.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._url, autocommit=True, application_name="canonry watcher") as connection:
                    if self._is_ours(connection):
                        self._rounds(connection)
            except (CanonryError, psycopg.Error) as error:
                _log.warning("the watch waits: %s", error)
            except Exception:  # noqa: BLE001 -- the edge of a thread that must not end; it is logged with its traceback
                _log.exception("the watch failed; it goes on")
            self._stopping.wait(_TRY_AGAIN)

    def _is_ours(self, connection: Connection[Row]) -> bool:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        return bool(row and row[0])

    def _rounds(self, connection: Connection[Row]) -> None:
        while not self._stopping.is_set():
            connection.execute("SELECT 1")  # an ended connection has lost the lock
            for part in self._parts:
                _guarded(part)
            self._stopping.wait(_EVERY)


def _guarded(part: Rounds) -> None:
    """Do one part; when it fails, the others go on, and it is tried again the next time."""
    try:
        part.round()
    except (CanonryError, psycopg.Error) as error:
        _log.warning("%s waits: %s", type(part).__name__, error)
    except Exception:  # noqa: BLE001 -- the edge of a thread that must not end; it is logged with its traceback
        _log.exception("%s failed; it goes on", type(part).__name__)
