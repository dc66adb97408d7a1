"""All SQL on webhooks and deliveries."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from canonry.core.paging import Page
from canonry.features.webhooks.models import Delivery, News, Outgoing, Webhook
from canonry.infra.tx import Tx

_WEBHOOK = sql.SQL("""SELECT id, organization_id, project_id, url, events, active, failing_since, disabled_reason, created_by, created_at,
    updated_at FROM webhooks """)
_DELIVERY = sql.SQL(
    "SELECT id, webhook_id, event, replay_of, body, status, attempts, next_at, created_at, finished_at FROM webhook_deliveries "
)
_BEHIND = 100  # events that one webhook gets at a time


def insert(tx: Tx, row: Mapping[str, Any]) -> None:
    """Add a webhook that is told what happens from now on."""
    tx.connection.execute(
        """INSERT INTO webhooks (id, organization_id, project_id, url, events, sealed_secret, created_by, position)
           VALUES (%(id)s, %(organization_id)s, %(project_id)s, %(url)s, %(events)s, %(sealed_secret)s, %(created_by)s,
           (SELECT coalesce(max(id), 0) FROM events WHERE organization_id = %(organization_id)s))""",
        row,
    )


def lock_organization(tx: Tx, organization_id: str) -> None:
    """Be the only one who adds a webhook to this organization until the transaction ends."""
    tx.connection.execute("SELECT 1 FROM organizations WHERE id = %s FOR UPDATE", (organization_id,))


def count(tx: Tx, organization_id: str) -> int:
    """Return how many webhooks an organization has."""
    row = tx.connection.execute("SELECT count(*) FROM webhooks WHERE organization_id = %s", (organization_id,)).fetchone()
    return int(row[0]) if row else 0


def find(tx: Tx, organization_id: str, webhook_id: str) -> Webhook | None:
    """Return the organization's webhook with that id."""
    with tx.connection.cursor(row_factory=class_row(Webhook)) as cursor:
        return cursor.execute(_WEBHOOK + sql.SQL("WHERE organization_id = %s AND id = %s"), (organization_id, webhook_id)).fetchone()


def get(tx: Tx, webhook_id: str) -> Webhook | None:
    """Return a webhook and lock it, for Canonry's own work."""
    with tx.connection.cursor(row_factory=class_row(Webhook)) as cursor:
        return cursor.execute(_WEBHOOK + sql.SQL("WHERE id = %s FOR UPDATE"), (webhook_id,)).fetchone()


def page(tx: Tx, organization_id: str, wanted: Page, *, only: str | None) -> list[Webhook]:
    """Return up to limit + 1 webhooks, newest first. only: the id of the one project to look at."""
    with tx.connection.cursor(row_factory=class_row(Webhook)) as cursor:
        query = _WEBHOOK + sql.SQL("""WHERE organization_id = %s AND (%s::text IS NULL OR project_id = %s)
            AND (%s::timestamptz IS NULL OR (created_at, id) < (%s, %s)) ORDER BY created_at DESC, id DESC LIMIT %s""")
        values = (organization_id, only, only, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1)
        return cursor.execute(query, values).fetchall()


def update(tx: Tx, webhook_id: str, changes: Mapping[str, object]) -> None:
    """Set columns (names come from us, never from a caller's text)."""
    parts = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes)
    query = sql.SQL("UPDATE webhooks SET {}, updated_at = now() WHERE id = %s").format(parts)
    tx.connection.execute(query, (*changes.values(), webhook_id))


def skip_to_now(tx: Tx, webhook_id: str) -> None:
    """Let a webhook be told only what happens from now on."""
    tx.connection.execute(
        """UPDATE webhooks w SET position = (SELECT coalesce(max(e.id), 0) FROM events e WHERE e.organization_id = w.organization_id)
           WHERE id = %s""", (webhook_id,),
    )  # fmt: skip


def delete(tx: Tx, webhook_id: str) -> None:
    """Delete a webhook with its deliveries."""
    tx.connection.execute("DELETE FROM webhooks WHERE id = %s", (webhook_id,))


def news(tx: Tx) -> list[News]:
    """Return what each active webhook has not looked at yet, oldest first, some at a time; the webhooks are locked.

    Within an organization events become visible in the order of their ids (the chain is held until the commit): a position misses none.
    """
    with tx.connection.cursor(row_factory=class_row(News)) as cursor:
        return cursor.execute(
            """SELECT w.id AS webhook_id, w.project_id AS wanted_project_id, w.events AS wanted, e.id AS event_id, e.name, e.at, e.payload,
               e.before, e.after, e.user_id, o.id AS organization_id, o.handle, p.slug
               FROM webhooks w JOIN organizations o ON o.id = w.organization_id
               CROSS JOIN LATERAL (SELECT * FROM events e WHERE e.organization_id = w.organization_id AND e.id > w.position
                   ORDER BY e.id LIMIT %s) e
               LEFT JOIN projects p ON p.id = e.payload->>'project_id'
               WHERE w.active ORDER BY w.id, e.id FOR UPDATE OF w SKIP LOCKED""",
            (_BEHIND,),
        ).fetchall()


def advance(tx: Tx, webhook_id: str, position: int) -> None:
    """Note up to which event a webhook has been served."""
    tx.connection.execute("UPDATE webhooks SET position = %s WHERE id = %s", (position, webhook_id))


def insert_delivery(
    tx: Tx, *, delivery_id: str, webhook_id: str, event: str, body: str, event_id: int | None = None, replay_of: str | None = None
) -> None:
    """Add a delivery that is due at once. Those of one transaction keep their order: each is made a moment later than the one before."""
    tx.connection.execute(
        """INSERT INTO webhook_deliveries (id, webhook_id, event_id, event, body, replay_of, next_at, created_at)
           VALUES (%s, %s, %s, %s, %s, %s, now(), clock_timestamp()) ON CONFLICT DO NOTHING""",
        (delivery_id, webhook_id, event_id, event, body, replay_of),
    )


def find_delivery(tx: Tx, webhook_id: str, delivery_id: str) -> Delivery | None:
    """Return a delivery of a webhook."""
    with tx.connection.cursor(row_factory=class_row(Delivery)) as cursor:
        return cursor.execute(_DELIVERY + sql.SQL("WHERE webhook_id = %s AND id = %s"), (webhook_id, delivery_id)).fetchone()


def deliveries(tx: Tx, webhook_id: str, wanted: Page) -> list[Delivery]:
    """Return up to limit + 1 deliveries of a webhook, newest first."""
    with tx.connection.cursor(row_factory=class_row(Delivery)) as cursor:
        query = _DELIVERY + sql.SQL("""WHERE webhook_id = %s AND (%s::timestamptz IS NULL OR (created_at, id) < (%s, %s))
            ORDER BY created_at DESC, id DESC LIMIT %s""")
        return cursor.execute(query, (webhook_id, wanted.before, wanted.before, wanted.before_id, wanted.limit + 1)).fetchall()


def with_something_due(tx: Tx, busy: Collection[str], most: int) -> list[tuple[str, bool]]:
    """Return (webhook id, whether it failed the last time) of webhooks that have something to get now, those that work first."""
    rows = tx.connection.execute(
        """SELECT w.id, w.failing_since IS NOT NULL AS failing FROM webhooks w WHERE w.active AND w.id <> ALL(%s)
           AND (w.not_before IS NULL OR w.not_before <= now()) AND EXISTS (
               SELECT FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.status = 'waiting' AND d.next_at <= now())
           ORDER BY failing, w.failing_since, w.id LIMIT %s""",
        (list(busy), most),
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


def next_due(tx: Tx, webhook_id: str) -> Outgoing | None:
    """Return what a webhook gets next, None when nothing is due or it was switched off."""
    with tx.connection.cursor(row_factory=class_row(Outgoing)) as cursor:
        return cursor.execute(
            """SELECT d.id, d.webhook_id, d.event, d.body, jsonb_array_length(d.attempts) AS tries, w.url, w.sealed_secret
               FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id
               WHERE d.webhook_id = %s AND d.status = 'waiting' AND d.next_at <= now() AND w.active
               ORDER BY d.next_at, d.created_at LIMIT 1""",
            (webhook_id,),
        ).fetchone()


def record(tx: Tx, delivery_id: str, attempt: Mapping[str, Any], *, status: str, next_at: datetime | None) -> None:
    """Note how a try went."""
    tx.connection.execute(
        """UPDATE webhook_deliveries SET attempts = attempts || %s, status = %s, next_at = %s,
           finished_at = CASE WHEN %s = 'waiting' THEN NULL ELSE now() END WHERE id = %s AND status = 'waiting'""",
        (Jsonb([attempt]), status, next_at, status, delivery_id),
    )


def delete_old(tx: Tx, days: int) -> None:
    """Delete deliveries that are older than so many days."""
    tx.connection.execute("DELETE FROM webhook_deliveries WHERE created_at < now() - make_interval(days => %s)", (days,))
