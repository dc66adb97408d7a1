"""All SQL on hosts."""

from collections.abc import Collection

from psycopg.rows import class_row

from canonry.features.traffic.models import Host
from canonry.infra.tx import Tx


def insert(tx: Tx, host: str, project_id: str, environment: str) -> None:
    """Add a host unless it is there."""
    tx.connection.execute(
        "INSERT INTO hosts (host, project_id, environment) VALUES (%s, %s, %s) ON CONFLICT (host) DO NOTHING",
        (host, project_id, environment),
    )


def owner(tx: Tx, host: str) -> tuple[str, str] | None:
    """Return the project and the environment that have the host."""
    row = tx.connection.execute("SELECT project_id, environment FROM hosts WHERE host = %s", (host,)).fetchone()
    return (row[0], row[1]) if row else None


def delete(tx: Tx, project_id: str, environment: str) -> list[str]:
    """Delete the hosts of an environment and return them."""
    rows = tx.connection.execute("DELETE FROM hosts WHERE project_id = %s AND environment = %s RETURNING host", (project_id, environment))
    return [row[0] for row in rows.fetchall()]


def assign(tx: Tx, host: str, project_id: str, environment: str) -> None:
    """Give the host to a project, whoever had it; one that it has already stays as it is."""
    tx.connection.execute(
        """INSERT INTO hosts (host, project_id, environment) VALUES (%s, %s, %s)
           ON CONFLICT (host) DO UPDATE SET project_id = EXCLUDED.project_id, environment = EXCLUDED.environment, redirect_to = NULL
           WHERE hosts.project_id <> EXCLUDED.project_id""",
        (host, project_id, environment),
    )


def delete_host(tx: Tx, host: str, project_id: str) -> bool:
    """Forget a host of the project; say whether it had it."""
    return tx.connection.execute("DELETE FROM hosts WHERE host = %s AND project_id = %s", (host, project_id)).rowcount > 0


def set_redirect(tx: Tx, host: str, project_id: str, to: str | None) -> None:
    """Say where a host of the project redirects to."""
    tx.connection.execute("UPDATE hosts SET redirect_to = %s WHERE host = %s AND project_id = %s", (to, host, project_id))


def of_project(tx: Tx, project_id: str) -> list[Host]:
    """Return the hosts of a project, the oldest first."""
    with tx.connection.cursor(row_factory=class_row(Host)) as cursor:
        query = "SELECT host, project_id, environment, redirect_to FROM hosts WHERE project_id = %s ORDER BY created_at, host"
        return cursor.execute(query, (project_id,)).fetchall()


def redirecting(tx: Tx) -> list[str]:
    """Return the projects that have a host which redirects."""
    return [row[0] for row in tx.connection.execute("SELECT DISTINCT project_id FROM hosts WHERE redirect_to IS NOT NULL").fetchall()]


def owners(tx: Tx, hosts: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return host → project and environment, for those of the hosts that belong to somebody."""
    rows = tx.connection.execute("SELECT host, project_id, environment FROM hosts WHERE host = ANY(%s)", (list(hosts),)).fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


def all_hosts(tx: Tx) -> list[str]:
    """Return every host."""
    return [row[0] for row in tx.connection.execute("SELECT host FROM hosts").fetchall()]
