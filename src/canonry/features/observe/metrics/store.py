"""All SQL on metrics."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from canonry.features.observe.metrics import latency
from canonry.features.observe.metrics.models import Sample
from canonry.infra.tx import Tx

type Owner = tuple[str, str]
"""Project id and environment."""

_NAMES = tuple(field.name for field in fields(Sample))
_COLUMNS = sql.SQL(", ").join(map(sql.Identifier, _NAMES))


@dataclass(frozen=True)
class State:
    """requests_cursor: how far the requests of the edge are counted. minutes_until, tens_until: until when the coarser steps are made."""

    requests_cursor: Mapping[str, int]
    minutes_until: datetime | None
    tens_until: datetime | None


def state(tx: Tx) -> State:
    """Return how far everything is."""
    with tx.connection.cursor(row_factory=class_row(State)) as cursor:
        return _there(cursor.execute("SELECT requests_cursor, minutes_until, tens_until FROM metric_state").fetchone())


def lock(tx: Tx) -> State:
    """Be the only one who writes samples until the transaction ends; return how far everything is."""
    with tx.connection.cursor(row_factory=class_row(State)) as cursor:
        query = "SELECT requests_cursor, minutes_until, tens_until FROM metric_state FOR UPDATE"
        return _there(cursor.execute(query).fetchone())


def set_counted(tx: Tx, cursor: Mapping[str, int]) -> None:
    """Note how far the requests of the edge are counted."""
    tx.connection.execute("UPDATE metric_state SET requests_cursor = %s", (Jsonb(dict(cursor)),))


def add_totals(tx: Tx, samples: Iterable[tuple[int, Sample]]) -> None:
    """Add the requests of these samples to those that each series has had since its beginning."""
    with tx.connection.cursor() as cursor:
        cursor.executemany(
            """UPDATE metric_series SET requests = requests + %s, status_2xx = status_2xx + %s, status_3xx = status_3xx + %s,
               status_4xx = status_4xx + %s, status_5xx = status_5xx + %s WHERE id = %s""",
            [(item.requests, item.status_2xx, item.status_3xx, item.status_4xx, item.status_5xx, number) for number, item in samples],
        )


def set_rolled(tx: Tx, minutes_until: datetime | None, tens_until: datetime | None) -> None:
    """Note until when the coarser steps are made."""
    tx.connection.execute("UPDATE metric_state SET minutes_until = %s, tens_until = %s", (minutes_until, tens_until))


def series(tx: Tx, owners: Iterable[Owner]) -> dict[Owner, int]:
    """Return the number of the series of each, made where there was none; what belongs to no project any more is left out."""
    wanted = sorted(set(owners))
    projects, environments = [owner[0] for owner in wanted], [owner[1] for owner in wanted]
    tx.connection.execute(
        """INSERT INTO metric_series (project_id, environment)
           SELECT p.id, w.environment FROM unnest(%s::text[], %s::text[]) AS w (project_id, environment)
           JOIN projects p ON p.id = w.project_id
           WHERE NOT EXISTS (SELECT FROM metric_series s WHERE s.project_id = p.id AND s.environment = w.environment)
           ON CONFLICT DO NOTHING""",
        (projects, environments),
    )
    rows = tx.connection.execute(
        """SELECT s.project_id, s.environment, s.id FROM metric_series s
           JOIN unnest(%s::text[], %s::text[]) AS w (project_id, environment) USING (project_id, environment)""",
        (projects, environments),
    ).fetchall()
    return {(row[0], row[1]): row[2] for row in rows}


def find_series(tx: Tx, owner: Owner) -> int | None:
    """Return the number of a series, None when nothing was ever measured."""
    row = tx.connection.execute("SELECT id FROM metric_series WHERE project_id = %s AND environment = %s", owner).fetchone()
    return row[0] if row else None


@dataclass(frozen=True)
class Total:
    """All requests that an environment of a project has answered. classes: 2xx, 3xx, 4xx, 5xx."""

    slug: str
    environment: str
    classes: Mapping[str, int]


def totals(tx: Tx, most: int) -> list[Total]:
    """Return the totals of those with the most requests."""
    rows = tx.connection.execute(
        """SELECT p.slug, s.environment, s.status_2xx, s.status_3xx, s.status_4xx, s.status_5xx
           FROM metric_series s JOIN projects p ON p.id = s.project_id ORDER BY s.requests DESC, s.id LIMIT %s""",
        (most,),
    ).fetchall()
    return [Total(row[0], row[1], dict(zip(("2xx", "3xx", "4xx", "5xx"), row[2:], strict=True))) for row in rows]


def is_measured(tx: Tx, owner: Owner, since: datetime) -> bool:
    """Say whether instances of that owner were looked at since then."""
    query = """SELECT 1 FROM metric_samples m JOIN metric_series s ON s.id = m.series
        WHERE s.project_id = %s AND s.environment = %s AND m.step = 10 AND m.at >= %s AND m.looks > 0 LIMIT 1"""
    return tx.connection.execute(query, (*owner, since)).fetchone() is not None


def at_moments(tx: Tx, step: int, keys: Collection[tuple[int, datetime]]) -> dict[tuple[int, datetime], Sample]:
    """Return the samples of these series at these moments, as far as there are any."""
    numbers, moments = [key[0] for key in keys], [key[1] for key in keys]
    query = sql.SQL("""SELECT series, {} FROM metric_samples
        WHERE step = %s AND (series, at) IN (SELECT * FROM unnest(%s::integer[], %s::timestamptz[]))""").format(_COLUMNS)
    rows = tx.connection.execute(query, (step, numbers, moments)).fetchall()
    return {(row[0], row[1]): _sample(row[1:]) for row in rows}


def between(tx: Tx, step: int, start: datetime | None, end: datetime) -> dict[int, list[Sample]]:
    """Return the samples of every series from `start` (None: the first) to before `end`."""
    query = sql.SQL("SELECT series, {} FROM metric_samples WHERE step = %s AND (%s::timestamptz IS NULL OR at >= %s) AND at < %s").format(
        _COLUMNS
    )
    found: dict[int, list[Sample]] = {}
    for row in tx.connection.execute(query, (step, start, start, end)):
        found.setdefault(row[0], []).append(_sample(row[1:]))
    return found


def window(tx: Tx, number: int, ranges: Sequence[tuple[int, datetime, datetime]]) -> list[Sample]:
    """Return the samples of a series in all of the ranges: step, from, to before."""
    steps, starts, ends = zip(*ranges, strict=True)
    query = sql.SQL("""SELECT {} FROM unnest(%s::smallint[], %s::timestamptz[], %s::timestamptz[]) AS r (r_step, r_start, r_end)
        JOIN metric_samples m ON m.step = r.r_step AND m.at >= r.r_start AND m.at < r.r_end WHERE m.series = %s""").format(_COLUMNS)
    return [_sample(row) for row in tx.connection.execute(query, (list(steps), list(starts), list(ends), number))]


def put(tx: Tx, step: int, samples: Iterable[tuple[int, Sample]]) -> None:
    """Write samples of that step, each in the place of the one that was there."""
    sets = sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in _NAMES if name != "at")
    marks = sql.SQL(", ").join([sql.Placeholder()] * (len(_NAMES) + 2))
    query = sql.SQL("INSERT INTO metric_samples (series, step, {}) VALUES ({}) ON CONFLICT (series, step, at) DO UPDATE SET {}").format(
        _COLUMNS, marks, sets
    )
    with tx.connection.cursor() as cursor:
        cursor.executemany(query, [(number, step, *_values(sample)) for number, sample in samples])


def delete_before(tx: Tx, step: int, moment: datetime) -> None:
    """Delete the samples of that step that began before `moment`."""
    # By the key: series by series, each of them a short range of the index.
    tx.connection.execute(
        """DELETE FROM metric_samples WHERE step = %s AND at < %s
           AND series = ANY(ARRAY(SELECT id FROM metric_series))""",
        (step, moment),
    )


def _values(sample: Sample) -> list[Any]:
    values = {name: getattr(sample, name) for name in _NAMES}
    return [*{**values, "latency": latency.to_pairs(sample.latency)}.values()]


def _sample(row: Sequence[Any]) -> Sample:
    values = dict(zip(_NAMES, row, strict=True))
    return Sample(**{**values, "latency": latency.from_pairs(values["latency"])})


def _there(found: State | None) -> State:
    if found is None:
        raise LookupError("the row of metric_state is gone")
    return found
