"""All SQL on tickets that live in Canonry."""

from typing import Any
from urllib.parse import quote

from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from canonry.infra.tx import Tx
from canonry.ports.trackers import LinkedPull, Ticket, TicketChange, TicketWish

_SELECT = sql.SQL("""SELECT id, project_key, summary, description, state, blocked_by, raw_status, issue_type, labels, assignees, milestone,
    parent_id, custom_fields, created_at, updated_at,
    coalesce((SELECT jsonb_agg(jsonb_build_object('url', url, 'title', title) ORDER BY linked_at, url) FROM ticket_pull_requests p
        WHERE p.organization_id = t.organization_id AND p.ticket_id = t.id), '[]') AS pulls FROM tickets t """)


def insert(tx: Tx, organization_id: str, wish: TicketWish, raw_status: str) -> str:
    """Add a ticket and return its id, of the next number of its project; that of the one there is for its fingerprint."""
    tx.connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", (organization_id, f"tickets {wish.project_key}"))
    if wish.fingerprint is not None and wish.repository_id is not None:
        known = by_fingerprint(tx, organization_id, wish.repository_id, wish.fingerprint)
        if known is not None:
            return known
    row = tx.connection.execute(
        """INSERT INTO tickets (organization_id, id, project_key, number, repository_id, fingerprint, summary, description, state,
               blocked_by, raw_status, issue_type, labels, assignees, milestone, parent_id, custom_fields)
           SELECT %(organization)s, %(key)s || '-' || next, %(key)s, next, %(repository)s, %(fingerprint)s, %(summary)s, %(description)s,
               %(state)s, %(blocked_by)s, %(raw)s, %(type)s, %(labels)s, %(assignees)s, %(milestone)s, %(parent)s, %(fields)s
           FROM (SELECT coalesce(max(number), 0) + 1 AS next FROM tickets
               WHERE organization_id = %(organization)s AND project_key = %(key)s)
           RETURNING id""",
        {"organization": organization_id, "key": wish.project_key, "repository": wish.repository_id, "fingerprint": wish.fingerprint,
         "summary": wish.summary, "description": wish.description, "state": wish.state, "blocked_by": wish.blocked_by, "raw": raw_status,
         "type": wish.issue_type, "labels": list(wish.labels), "assignees": list(wish.assignees), "milestone": wish.milestone,
         "parent": wish.parent_id, "fields": Jsonb(dict(wish.custom_fields))},
    ).fetchone()  # fmt: skip
    return str(row[0]) if row else ""


def find(tx: Tx, organization_id: str, ticket_id: str, base: str) -> Ticket | None:
    """Return a ticket of an organization. base: what its address begins with."""
    with tx.connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_SELECT + sql.SQL("WHERE organization_id = %s AND id = %s"), (organization_id, ticket_id)).fetchone()
    return None if row is None else _ticket(row, base)


def by_fingerprint(tx: Tx, organization_id: str, repository_id: str, fingerprint: str) -> str | None:
    """Return the id of the ticket of a section."""
    row = tx.connection.execute(
        "SELECT id FROM tickets WHERE organization_id = %s AND repository_id = %s AND fingerprint = %s",
        (organization_id, repository_id, fingerprint),
    ).fetchone()
    return row[0] if row else None


def by_summary(tx: Tx, organization_id: str, project_key: str, summary: str) -> str | None:
    """Return the id of the oldest ticket of a project that is called so and belongs to no section."""
    row = tx.connection.execute(
        """SELECT id FROM tickets WHERE organization_id = %s AND project_key = %s AND summary = %s AND fingerprint IS NULL
           ORDER BY number LIMIT 1""",
        (organization_id, project_key, summary),
    ).fetchone()  # fmt: skip
    return row[0] if row else None


def update(tx: Tx, organization_id: str, ticket_id: str, change: TicketChange, raw_status: str) -> bool:
    """Change a ticket; False when there is none."""
    return tx.connection.execute(
        """UPDATE tickets SET summary = coalesce(%(summary)s, summary), description = coalesce(%(description)s, description),
               state = coalesce(%(state)s, state), blocked_by = CASE WHEN %(state)s::text IS NULL THEN blocked_by ELSE %(blocked_by)s END,
               raw_status = coalesce(nullif(%(raw)s, ''), raw_status), custom_fields = custom_fields || %(fields)s, updated_at = now()
           WHERE organization_id = %(organization)s AND id = %(id)s""",
        {"summary": change.summary, "description": change.description, "state": change.state, "blocked_by": change.blocked_by,
         "raw": raw_status, "fields": Jsonb(dict(change.custom_fields or {})), "organization": organization_id, "id": ticket_id},
    ).rowcount == 1  # fmt: skip


def move_fingerprint(tx: Tx, organization_id: str, ticket_id: str, fingerprint: str) -> None:
    """Let the ticket of a section be that of another one in the same repository; the one that was that one's before is nobody's."""
    where = {"organization": organization_id, "id": ticket_id, "mark": fingerprint}
    tx.connection.execute(
        """UPDATE tickets SET fingerprint = NULL WHERE organization_id = %(organization)s AND fingerprint = %(mark)s AND id <> %(id)s
               AND repository_id = (SELECT repository_id FROM tickets WHERE organization_id = %(organization)s AND id = %(id)s
                   AND fingerprint IS NOT NULL)""",
        where,
    )
    tx.connection.execute(
        """UPDATE tickets SET fingerprint = %(mark)s
           WHERE organization_id = %(organization)s AND id = %(id)s AND repository_id IS NOT NULL""",
        where,
    )


def link_pull(tx: Tx, organization_id: str, ticket_id: str, pull: LinkedPull) -> None:
    """Let a ticket name a pull request."""
    tx.connection.execute(
        """INSERT INTO ticket_pull_requests (organization_id, ticket_id, url, title) VALUES (%s, %s, %s, %s)
           ON CONFLICT (organization_id, ticket_id, url) DO UPDATE SET title = excluded.title""",
        (organization_id, ticket_id, pull.url, pull.title),
    )  # fmt: skip


def page(tx: Tx, organization_id: str, base: str, *, state: str | None, project_key: str | None, limit: int) -> list[Ticket]:
    """Return the newest tickets, of one state and of one project. base: what their addresses begin with."""
    query = _SELECT + sql.SQL("""WHERE organization_id = %s AND (%s::text IS NULL OR state = %s) AND (%s::text IS NULL OR project_key = %s)
        ORDER BY created_at DESC, number DESC LIMIT %s""")
    with tx.connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, (organization_id, state, state, project_key, project_key, limit)).fetchall()
    return [_ticket(row, base) for row in rows]


def _ticket(row: dict[str, Any], base: str) -> Ticket:
    """Return a ticket as the port has it: with its address, times as texts, pull requests as objects."""
    pulls = [LinkedPull(item["url"], item["title"]) for item in row.pop("pulls")]
    times = {name: row.pop(name).isoformat() for name in ("created_at", "updated_at")}
    return Ticket(**row, **times, url=base + quote(row["id"]), pull_requests=pulls)
