"""All SQL on coverage. It counts what `specs` keeps in its index; every question names the organization."""

from datetime import date

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.coverage.models import Day
from canonry.infra.tx import Tx

_SUMS = sql.SQL("""coalesce(sum(total_sections), 0)::int, coalesce(sum(done_sections), 0)::int, coalesce(sum(total_ac), 0)::int,
    coalesce(sum(done_ac), 0)::int, coalesce(sum(realized_ac), 0)::int""")


type Sums = tuple[int, int, int, int, int]


def by_repository_and_team(tx: Tx, organization_id: str, repositories: list[str] | None, team: str | None) -> list[tuple[str, str, Sums]]:
    """Return (repository id, team, sums) of the specs of an organization. repositories: only these."""
    rows = tx.connection.execute(
        sql.SQL("""SELECT repository_id, team, {} FROM spec_documents WHERE organization_id = %s AND is_spec
            AND (%s::text[] IS NULL OR repository_id = ANY(%s)) AND (%s::text IS NULL OR lower(team) = lower(%s))
            GROUP BY repository_id, team ORDER BY repository_id, team""").format(_SUMS),
        (organization_id, repositories, repositories, team, team),
    ).fetchall()
    return [(row[0], row[1], (row[2], row[3], row[4], row[5], row[6])) for row in rows]


def days(tx: Tx, organization_id: str, since: date, today: date, repositories: list[str] | None, team: str | None) -> list[Day]:
    """Return one row for each day since then and before today that has a snapshot, oldest first."""
    with tx.connection.cursor(row_factory=class_row(Day)) as cursor:
        return cursor.execute(
            sql.SQL("""SELECT day AS date, sum(total_sections)::int AS total_sections, sum(done_sections)::int AS done_sections,
                sum(total_ac)::int AS total_ac, sum(done_ac)::int AS done_ac, sum(realized_ac)::int AS realized_ac
                FROM coverage_days WHERE organization_id = %s AND day > %s AND day < %s
                AND (%s::text[] IS NULL OR repository_id = ANY(%s)) AND (%s::text IS NULL OR lower(team) = lower(%s))
                GROUP BY day ORDER BY day"""),
            (organization_id, since, today, repositories, repositories, team, team),
        ).fetchall()  # fmt: skip


def take(tx: Tx, today: date) -> None:
    """Write today's snapshot of every spec, over an earlier one of today; a spec that is gone since then has none. Add them up."""
    tx.connection.execute(
        """DELETE FROM coverage_snapshots s WHERE day = %s AND NOT EXISTS (SELECT 1 FROM spec_documents d
           WHERE d.repository_id = s.repository_id AND d.path = s.path AND d.is_spec)""",
        (today,),
    )
    tx.connection.execute(
        """INSERT INTO coverage_snapshots AS s (day, organization_id, repository_id, repository, path, team, total_sections, done_sections,
                total_ac, done_ac, realized_ac)
            SELECT %s, d.organization_id, d.repository_id, coalesce(p.slug, r.name), d.path, d.team, d.total_sections, d.done_sections,
                d.total_ac, d.done_ac, d.realized_ac
            FROM spec_documents d JOIN repositories r ON r.id = d.repository_id LEFT JOIN projects p ON p.id = r.project_id WHERE d.is_spec
            ON CONFLICT (organization_id, day, repository_id, path) DO UPDATE SET team = EXCLUDED.team,
                total_sections = EXCLUDED.total_sections, done_sections = EXCLUDED.done_sections, total_ac = EXCLUDED.total_ac,
                done_ac = EXCLUDED.done_ac, realized_ac = EXCLUDED.realized_ac
            WHERE (s.team, s.total_sections, s.done_sections, s.total_ac, s.done_ac, s.realized_ac) IS DISTINCT FROM
                (EXCLUDED.team, EXCLUDED.total_sections, EXCLUDED.done_sections, EXCLUDED.total_ac, EXCLUDED.done_ac,
                 EXCLUDED.realized_ac)""",
        (today,),
    )
    tx.connection.execute("DELETE FROM coverage_days WHERE day = %s", (today,))
    tx.connection.execute(
        sql.SQL("""INSERT INTO coverage_days (day, organization_id, repository_id, team, total_sections, done_sections, total_ac, done_ac,
                realized_ac)
            SELECT %s, organization_id, repository_id, team, {} FROM coverage_snapshots WHERE day = %s
            GROUP BY organization_id, repository_id, team""").format(_SUMS),
        (today, today),
    )
