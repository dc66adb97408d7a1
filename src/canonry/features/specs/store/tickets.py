"""Links of sections to tickets: where they stand, and which are broken."""

from datetime import datetime

from canonry.infra.tx import Tx


def places(tx: Tx, organization_id: str, system: str, ticket_id: str) -> list[tuple[str, str]]:
    """Return (repository, path) of the specs in which a section is linked to this ticket."""
    rows = tx.connection.execute(
        """SELECT DISTINCT d.repository_id, d.path FROM spec_sections s JOIN spec_documents d ON d.id = s.document_id
           WHERE s.ticket_id = %s AND s.ticket_system = %s AND d.organization_id = %s ORDER BY 1, 2""",
        (ticket_id, system, organization_id),
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


def linked(tx: Tx, repository_id: str) -> set[tuple[str, str]]:
    """Return (system, ticket) of everything that a section of a repository is linked to."""
    rows = tx.connection.execute(
        """SELECT DISTINCT s.ticket_system, s.ticket_id FROM spec_sections s JOIN spec_documents d ON d.id = s.document_id
           WHERE d.repository_id = %s AND s.ticket_id IS NOT NULL""",
        (repository_id,),
    ).fetchall()
    return {(row[0], row[1]) for row in rows}


def broken(tx: Tx, repository_id: str) -> dict[tuple[str, str], datetime]:
    """Return (system, ticket) → when it was looked at last, of the broken links of a repository."""
    rows = tx.connection.execute(
        "SELECT system, ticket_id, checked_at FROM broken_ticket_links WHERE repository_id = %s", (repository_id,)
    ).fetchall()
    return {(row[0], row[1]): row[2] for row in rows}


def overdue(tx: Tx) -> list[tuple[str, str, str, str]]:
    """Return (repository, organization, system, ticket) of broken links not looked at for a day; forget those that no spec has."""
    tx.connection.execute(
        """DELETE FROM broken_ticket_links b WHERE NOT EXISTS (
               SELECT 1 FROM spec_sections s JOIN spec_documents d ON d.id = s.document_id
               WHERE d.repository_id = b.repository_id AND s.ticket_system = b.system AND s.ticket_id = b.ticket_id)"""
    )
    rows = tx.connection.execute(
        """SELECT b.repository_id, r.organization_id, b.system, b.ticket_id FROM broken_ticket_links b
           JOIN repositories r ON r.id = b.repository_id WHERE b.checked_at < now() - interval '24 hours'
           ORDER BY b.checked_at LIMIT 1000"""
    ).fetchall()
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def note(tx: Tx, repository_id: str, system: str, ticket_id: str, *, is_broken: bool) -> None:
    """Note that a ticket could not be found, or that it could."""
    if is_broken:
        tx.connection.execute(
            """INSERT INTO broken_ticket_links (repository_id, system, ticket_id) VALUES (%s, %s, %s)
               ON CONFLICT (repository_id, system, ticket_id) DO UPDATE SET checked_at = now()""",
            (repository_id, system, ticket_id),
        )
    else:
        tx.connection.execute(
            "DELETE FROM broken_ticket_links WHERE repository_id = %s AND system = %s AND ticket_id = %s",
            (repository_id, system, ticket_id),
        )
