"""How many deployments and instances there are, for the figures of the whole installation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from canonry.features.deployments.models import Status
from canonry.infra.tx import Tx

_ENDS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
_INSTANCES = ("starting", "healthy", "unhealthy", "draining", "crashed", "crash_loop")


@dataclass(frozen=True)
class Counts:
    """deployments, instances: by status. durations: upper end in seconds → how many finished deployments took so long; seconds: of all."""

    deployments: Mapping[str, int]
    instances: Mapping[str, int]
    durations: Mapping[float, int]
    seconds: float


def counts(tx: Tx) -> Counts:
    """Count everything there is."""
    by_status = "SELECT status, count(*) FROM deployments GROUP BY status"
    running = "SELECT status, count(*) FROM instances WHERE status <> 'stopped' GROUP BY status"
    spent = """SELECT width_bucket(seconds, %s::float[]), count(*), sum(seconds) FROM (
            SELECT greatest(extract(epoch FROM finished_at - started_at)::float, 0) AS seconds FROM deployments
            WHERE started_at IS NOT NULL AND finished_at IS NOT NULL) spent GROUP BY 1"""
    rows = tx.connection.execute(spent, (list(_ENDS),)).fetchall()
    taken = {row[0]: row[1] for row in rows}
    return Counts(
        deployments=dict.fromkeys(map(str, Status), 0) | dict(tx.connection.execute(by_status).fetchall()),
        instances=dict.fromkeys(_INSTANCES, 0) | dict(tx.connection.execute(running).fetchall()),
        durations={end: taken.get(number, 0) for number, end in enumerate((*_ENDS, math.inf))},
        seconds=sum(row[2] for row in rows),
    )
