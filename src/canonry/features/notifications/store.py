"""All SQL on wishes and notices."""

from datetime import datetime

from psycopg.rows import class_row

from canonry.features.notifications.models import Notice, Wish, Wishes
from canonry.infra.tx import Tx


def wishes(tx: Tx, organization_id: str, user_id: str) -> Wishes | None:
    """Return what somebody said they want to know; None when they never did."""
    row = tx.connection.execute(
        "SELECT failed_production, failed_preview, recovered FROM notification_wishes WHERE organization_id = %s AND user_id = %s",
        (organization_id, user_id),
    ).fetchone()
    return None if row is None else Wishes(Wish(row[0]), Wish(row[1]), recovered=row[2])


def set_wishes(tx: Tx, organization_id: str, user_id: str, wanted: Wishes) -> None:
    """Keep what somebody wants to know."""
    tx.connection.execute(
        """INSERT INTO notification_wishes (organization_id, user_id, failed_production, failed_preview, recovered)
           VALUES (%s, %s, %s, %s, %s) ON CONFLICT (organization_id, user_id) DO UPDATE SET failed_production = EXCLUDED.failed_production,
           failed_preview = EXCLUDED.failed_preview, recovered = EXCLUDED.recovered""",
        (organization_id, user_id, str(wanted.failed_production), str(wanted.failed_preview), wanted.recovered),
    )


def add_notice(tx: Tx, *, organization_id: str, user_id: str, project_id: str, environment: str, deployment_id: str, kind: str) -> None:
    """Add something that somebody is to be told; once, however often it is added."""
    tx.connection.execute(
        """INSERT INTO notices (organization_id, user_id, project_id, environment, deployment_id, kind) VALUES (%s, %s, %s, %s, %s, %s)
           ON CONFLICT DO NOTHING""",
        (organization_id, user_id, project_id, environment, deployment_id, kind),
    )


def told_of_failure(tx: Tx, organization_id: str, project_id: str, environment: str) -> list[str]:
    """Return who has been told, or is about to be, that this environment failed, and not yet that it works again."""
    rows = tx.connection.execute(
        """SELECT DISTINCT user_id FROM notices WHERE organization_id = %s AND project_id = %s AND environment = %s AND kind = 'failed'
           AND NOT settled ORDER BY user_id""", (organization_id, project_id, environment),
    ).fetchall()  # fmt: skip
    return [row[0] for row in rows]


def settle(tx: Tx, project_id: str, environment: str) -> None:
    """Note that an environment works again."""
    tx.connection.execute("UPDATE notices SET settled = true WHERE project_id = %s AND environment = %s", (project_id, environment))


def hold(tx: Tx, organization_id: str, user_id: str) -> None:
    """Be the only one who writes to this person until the transaction ends."""
    tx.connection.execute("SELECT 1 FROM members WHERE organization_id = %s AND user_id = %s FOR NO KEY UPDATE", (organization_id, user_id))


def last_mail(tx: Tx, organization_id: str, user_id: str) -> datetime | None:
    """Return when somebody was written to last."""
    row = tx.connection.execute(
        "SELECT max(sent_at) FROM notices WHERE organization_id = %s AND user_id = %s", (organization_id, user_id)
    ).fetchone()
    return row[0] if row else None


def take(tx: Tx, organization_id: str, user_id: str) -> list[Notice]:
    """Return what somebody is to be told, oldest first, and note that it is told; not what projects that are gone would have said.

    In one statement: what comes meanwhile is told the next time.
    """
    with tx.connection.cursor(row_factory=class_row(Notice)) as cursor:
        return cursor.execute(
            """WITH n AS (UPDATE notices SET sent_at = now() WHERE organization_id = %s AND user_id = %s AND sent_at IS NULL RETURNING *)
               SELECT n.deployment_id, n.kind, p.slug, n.environment, n.created_at FROM n JOIN projects p ON p.id = n.project_id
               ORDER BY n.created_at, n.deployment_id""",
            (organization_id, user_id),
        ).fetchall()


def people_with_waiting(tx: Tx) -> list[tuple[str, str]]:
    """Return (organization id, user id) of everybody who is to be told something."""
    rows = tx.connection.execute("SELECT DISTINCT organization_id, user_id FROM notices WHERE sent_at IS NULL ORDER BY 1, 2").fetchall()
    return [(row[0], row[1]) for row in rows]


def delete_old(tx: Tx, days: int) -> None:
    """Forget what was told long ago."""
    tx.connection.execute("DELETE FROM notices WHERE created_at < now() - make_interval(days => %s)", (days,))
