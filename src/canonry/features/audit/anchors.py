"""Anchors: where each chain stood, written once a day outside the database.

Whoever owns the database can take the newest events out, or write a whole chain anew; what was written down elsewhere then tells.
`audit.anchors` in the home holds one JSON line for each chain and day; the log has the same, for those who keep it on another machine.
"""

import json
import logging
import math
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from canonry.core.clock import now
from canonry.features.audit import store
from canonry.features.audit.models import Head
from canonry.infra.tx import Transactions

_log = logging.getLogger(__name__)
_DAY = 86_400.0
_LOOK_EVERY = 600.0


class Anchors:
    """The file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def age(self) -> float:
        """Return how many seconds ago the anchors were written last; infinity when never."""
        return time.time() - self._path.stat().st_mtime if self._path.exists() else math.inf

    def write(self, transactions: Transactions) -> None:
        """Append where every chain stands that has grown since its last anchor."""
        known = {head.organization_id: head.event_id for head in self._all()}
        with transactions.begin() as tx:
            heads = [head for name in store.organizations(tx) if (head := store.head(tx, name)) is not None]
        grown = [head for head in heads if known.get(head.organization_id) != head.event_id]
        for head in grown:
            _log.info("audit anchor: %s event %d, %d events, %s", head.organization_id or "platform", head.event_id, head.events, head.hash)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(b"".join(_line(head) for head in grown))
            file.flush()
            os.fsync(file.fileno())
        os.utime(self._path)

    def of(self, organization_id: str) -> dict[int, str]:
        """Return the anchors of one chain: event id → hash."""
        return {head.event_id: head.hash for head in self._all() if head.organization_id == organization_id}

    def organizations(self) -> set[str]:
        """Return whose chains have anchors."""
        return {head.organization_id for head in self._all()}

    def _all(self) -> Iterator[Head]:
        try:
            with self._path.open("rb") as file:
                for line in file:
                    if (head := _parse(line)) is not None:
                        yield head
        except FileNotFoundError:
            return


class AnchorWriter:
    """Writes the anchors once a day."""

    def __init__(self, path: Path, transactions: Transactions) -> None:
        self._anchors = Anchors(path)
        self._transactions = transactions
        self._next_look = 0.0

    def round(self) -> None:
        """Write today's anchors when a day has gone by since the last ones."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_EVERY
        if self._anchors.age() > _DAY:
            self._anchors.write(self._transactions)

    def close(self) -> None:
        """Nothing is held."""


def _line(head: Head) -> bytes:
    document = {"at": now().isoformat(), "organization_id": head.organization_id, "id": head.event_id, "events": head.events,
                "hash": head.hash, "event_at": head.at.isoformat()}  # fmt: skip
    return (json.dumps(document) + "\n").encode()


def _parse(line: bytes) -> Head | None:
    """Read one line; None for one that a power cut left half-written."""
    try:
        document = json.loads(line)
        return Head(document["organization_id"], int(document["id"]), int(document["events"]), document["hash"],
                    datetime.fromisoformat(document["event_at"]))  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return None
