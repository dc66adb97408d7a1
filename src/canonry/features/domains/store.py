"""All SQL on domains."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from canonry.features.domains.models import Check, Domain
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT id, organization_id, project_id, hostname, kind, token, verified_at, is_primary, redirect, points_here, checks,
    checked_at, next_check_at, unsuccessful, ssl_status, ssl_error, ssl_expires_at, ssl_failures, created_at
    FROM domains """)
_LOCK = 7_226_690  # first key of the advisory lock on a hostname


def lock(tx: Tx, what: str) -> None:
    """Be the only one who decides about this hostname (or project, by its id), until the transaction ends."""
    tx.connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, what))


def insert(tx: Tx, domain: Domain) -> None:
    """Add a claim, and remember when the organization first made one on that name."""
    tx.connection.execute(
        "INSERT INTO domain_claims (hostname, organization_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (domain.hostname, domain.organization_id),
    )
    tx.connection.execute(
        """INSERT INTO domains (id, organization_id, project_id, hostname, kind, token, redirect, created_at)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
        (domain.id, domain.organization_id, domain.project_id, domain.hostname, str(domain.kind), domain.token, domain.redirect,
         domain.created_at),
    )  # fmt: skip


def of_project(tx: Tx, project_id: str) -> list[Domain]:
    """Return the claims of a project, the oldest first."""
    with tx.connection.cursor(row_factory=class_row(Domain)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE project_id = %s ORDER BY created_at, id"), (project_id,)).fetchall()


def find(tx: Tx, project_id: str, hostname: str) -> Domain | None:
    """Return a project's claim on that name."""
    with tx.connection.cursor(row_factory=class_row(Domain)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE project_id = %s AND hostname = %s"), (project_id, hostname)).fetchone()


def get(tx: Tx, domain_id: str) -> Domain | None:
    """Return a claim."""
    with tx.connection.cursor(row_factory=class_row(Domain)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE id = %s"), (domain_id,)).fetchone()


def verified(tx: Tx, hostname: str) -> Domain | None:
    """Return the claim on that name that was proved."""
    with tx.connection.cursor(row_factory=class_row(Domain)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE hostname = %s AND verified_at IS NOT NULL"), (hostname,)).fetchone()


def blocking(tx: Tx, hostname: str, organization_id: str, hours: int) -> Domain | None:
    """Return the claim that keeps this organization from claiming the name.

    One of its own, one that was proved, or one that another organization made for the first time within so many hours.
    """
    with tx.connection.cursor(row_factory=class_row(Domain)) as cursor:
        query = _SELECT + sql.SQL("""WHERE hostname = %(hostname)s AND (organization_id = %(organization)s OR verified_at IS NOT NULL
            OR (SELECT first_claimed_at FROM domain_claims c WHERE c.hostname = domains.hostname
                AND c.organization_id = domains.organization_id) > now() - make_interval(hours => %(hours)s))
            ORDER BY organization_id = %(organization)s DESC, verified_at IS NULL LIMIT 1""")
        return cursor.execute(query, {"hostname": hostname, "organization": organization_id, "hours": hours}).fetchone()


def update(tx: Tx, domain_id: str, changes: Mapping[str, object]) -> None:
    """Set columns (names are our own, never a caller's text)."""
    parts = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in changes)
    tx.connection.execute(sql.SQL("UPDATE domains SET {} WHERE id = %s").format(parts), (*changes.values(), domain_id))


def record_checks(tx: Tx, domain_id: str, checks: Sequence[Check], points_here: bool | None, at: datetime) -> None:  # noqa: FBT001 -- a fact
    """Write down what a look found."""
    document = Jsonb([asdict(check) for check in checks])
    tx.connection.execute(
        "UPDATE domains SET checks = %s, points_here = coalesce(%s, points_here), checked_at = %s WHERE id = %s",
        (document, points_here, at, domain_id),
    )


def set_primary(tx: Tx, project_id: str, domain_id: str | None) -> None:
    """Make one claim of a project the primary one; None: its free subdomain."""
    tx.connection.execute("UPDATE domains SET is_primary = false WHERE project_id = %s AND is_primary", (project_id,))
    if domain_id is not None:
        tx.connection.execute("UPDATE domains SET is_primary = true WHERE project_id = %s AND id = %s", (project_id, domain_id))


def set_redirects(tx: Tx, project_id: str, *, redirect: bool) -> None:
    """Let all custom domains of a project redirect to the primary one, or none."""
    tx.connection.execute("UPDATE domains SET redirect = %s WHERE project_id = %s AND kind = 'custom'", (redirect, project_id))


def redirects_subdomain(tx: Tx, project_id: str) -> bool:
    """Say whether the free subdomain, too, redirects to the primary domain."""
    return tx.connection.execute("SELECT 1 FROM redirected_subdomains WHERE project_id = %s", (project_id,)).fetchone() is not None


def set_subdomain_redirect(tx: Tx, project_id: str, *, redirect: bool) -> None:
    """Let the free subdomain redirect to the primary domain, or not."""
    query = "INSERT INTO redirected_subdomains VALUES (%s) ON CONFLICT DO NOTHING" if redirect else (
        "DELETE FROM redirected_subdomains WHERE project_id = %s")  # fmt: skip
    tx.connection.execute(query, (project_id,))


def delete(tx: Tx, domain_id: str) -> None:
    """Forget a claim; that the organization once made it stays known."""
    tx.connection.execute("DELETE FROM domains WHERE id = %s", (domain_id,))


def all_verified(tx: Tx) -> dict[str, str]:
    """Return every proved name and how its certificate stands."""
    return dict(tx.connection.execute("SELECT hostname, ssl_status FROM domains WHERE verified_at IS NOT NULL").fetchall())


def try_again(tx: Tx, hostnames: Sequence[str]) -> None:
    """Let the certificates of these names be seen to now."""
    if hostnames:
        query = "UPDATE domains SET ssl_next_try_at = now(), ssl_status = 'pending' WHERE hostname = ANY(%s) AND verified_at IS NOT NULL"
        tx.connection.execute(query, (list(hostnames),))


def take_due_certificates(tx: Tx, limit: int, lease_minutes: int) -> list[Domain]:
    """Return proved names that lead here and whose certificate is to be seen to, and put them off meanwhile."""
    with tx.connection.cursor(row_factory=class_row(Domain)) as cursor:
        query = sql.SQL("""WITH due AS (SELECT id AS due_id FROM domains WHERE verified_at IS NOT NULL AND points_here IS NOT FALSE
            AND ssl_next_try_at <= now() ORDER BY ssl_next_try_at LIMIT %s FOR UPDATE SKIP LOCKED),
            leased AS (UPDATE domains SET ssl_next_try_at = now() + make_interval(mins => %s)
            FROM due WHERE id = due_id RETURNING domains.id AS leased_id) """)
        return cursor.execute(query + _SELECT + sql.SQL("JOIN leased ON leased_id = id"), (limit, lease_minutes)).fetchall()


def take_due(tx: Tx, limit: int, lease_minutes: int) -> list[Domain]:
    """Return claims that are to be looked at, and put them off meanwhile, so that nobody else looks too."""
    with tx.connection.cursor(row_factory=class_row(Domain)) as cursor:
        query = sql.SQL("""WITH due AS (SELECT id AS due_id FROM domains WHERE next_check_at <= now() ORDER BY next_check_at LIMIT %s
            FOR UPDATE SKIP LOCKED), leased AS (UPDATE domains SET next_check_at = now() + make_interval(mins => %s)
            FROM due WHERE id = due_id RETURNING domains.id AS leased_id) """)
        return cursor.execute(query + _SELECT + sql.SQL("JOIN leased ON leased_id = id"), (limit, lease_minutes)).fetchall()
