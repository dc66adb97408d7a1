"""What stands in segments of WAL: where the first transaction after a moment was committed, which timelines there were."""

import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from canonry.core.settings import child_environment
from canonry.infra.backup.programs import program

_COMMIT = re.compile(rb"lsn: ([0-9A-F]+/[0-9A-F]+), .*desc: COMMIT\S* (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC")
_SWITCH = re.compile(r"\s*(\d+)\s+([0-9A-F]+/[0-9A-F]+)")


@dataclass(frozen=True)
class Look:
    """What was found: the last commit at or before the moment, and where the first one after it begins."""

    last: datetime | None
    after_lsn: str | None


def look_for(programs: Path, folder: Path, first: str, last: str, until: datetime) -> Look:
    """Read the segments `first` to `last` (names, of one timeline) in `folder`, which has them all."""
    argv = [program(programs, "pg_waldump"), "--path", str(folder), "--rmgr", "Transaction", first, last]
    environment = {**child_environment(), "LC_ALL": "C", "TZ": "UTC"}
    found: datetime | None = None
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as child:
        for line in child.stdout or ():  # a record that goes on behind the last segment ends it with an error, which says nothing to us
            if (match := _COMMIT.search(line)) is None:
                continue
            at = datetime.fromisoformat(match[2].decode()).replace(tzinfo=UTC)
            if at > until:
                child.kill()
                return Look(found, match[1].decode())
            found = at if found is None else max(found, at)
    return Look(found, None)


def parse_history(text: str) -> list[tuple[int, str]]:
    """Return (timeline, where it was left) for the ancestors of a timeline, oldest first, from its history file."""
    return [(int(match[1]), match[2]) for line in text.splitlines() if (match := _SWITCH.match(line))]
