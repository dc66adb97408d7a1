"""All SQL that reads the audit trail."""

from collections.abc import Iterator

from psycopg import sql
from psycopg.rows import class_row

from canonry.core.paging import Page
from canonry.features.audit.models import Filter, Head, Recorded
from canonry.infra.tx import Tx

_AT_A_TIME = 1000
_SELECT = sql.SQL("""SELECT e.id::text AS id, e.at AS created_at, e.name, e.organization_id, e.payload, e.before, e.after, e.user_id,
    u.name AS user_name, e.credential, e.address, e.request_id, e.hash, p.slug FROM events e LEFT JOIN users u ON u.id = e.user_id
    LEFT JOIN projects p ON p.id = e.payload->>'project_id' """)


def page(tx: Tx, organization_id: str, wanted: Page, chosen: Filter, *, before_id: int | None) -> list[Recorded]:
    """Return up to limit + 1 events of an organization (empty: of the platform), newest first, older than `before_id`."""
    query = _SELECT + sql.SQL("""WHERE e.organization_id = %(organization)s
        AND (%(before)s::bigint IS NULL OR e.id < %(before)s)
        AND (%(project)s::text IS NULL OR e.payload->>'project_id' = %(project)s)
        AND (%(user)s::text IS NULL OR e.user_id = %(user)s)
        AND (%(name)s::text IS NULL OR e.name = %(name)s OR (right(%(name)s, 2) = '.*' AND starts_with(e.name, left(%(name)s, -1))))
        AND (%(words)s::text[] IS NULL OR split_part(e.name, '.', 1) = ANY(%(words)s))
        AND (%(others)s::text[] IS NULL OR split_part(e.name, '.', 1) <> ALL(%(others)s))
        AND (%(since)s::timestamptz IS NULL OR e.at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR e.at < %(until)s)
        ORDER BY e.id DESC LIMIT %(limit)s""")
    values = {
        "organization": organization_id, "before": before_id, "project": chosen.project_id, "user": chosen.user_id, "name": chosen.name,
        "words": None if chosen.words is None else list(chosen.words),
        "others": None if chosen.other_words is None else list(chosen.other_words),
        "since": chosen.since, "until": chosen.until, "limit": wanted.limit + 1,
    }  # fmt: skip
    with tx.connection.cursor(row_factory=class_row(Recorded)) as cursor:
        return cursor.execute(query, values).fetchall()


def chain(tx: Tx, organization_id: str) -> Iterator[Recorded]:
    """Give every event of an organization, oldest first, some at a time: they may be more than memory holds."""
    with tx.connection.transaction(), tx.connection.cursor(name="audit_chain", row_factory=class_row(Recorded)) as cursor:
        cursor.itersize = _AT_A_TIME
        cursor.execute(_SELECT + sql.SQL("WHERE e.organization_id = %s ORDER BY e.id"), (organization_id,))
        yield from cursor


def organizations(tx: Tx) -> list[str]:
    """Return the organizations that have events, deleted ones and the platform's own (empty) included."""
    return [row[0] for row in tx.connection.execute("SELECT DISTINCT organization_id FROM events ORDER BY 1").fetchall()]


def head(tx: Tx, organization_id: str) -> Head | None:
    """Return where the chain of an organization stands; None while it has none."""
    row = tx.connection.execute(
        """SELECT id, encode(hash, 'hex'), at, (SELECT count(*) FROM events WHERE organization_id = %s) FROM events
           WHERE organization_id = %s AND hash <> '' ORDER BY id DESC LIMIT 1""", (organization_id, organization_id),
    ).fetchone()  # fmt: skip
    return None if row is None else Head(organization_id, row[0], row[3], row[1], row[2])
