"""All SQL on hosts."""

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


def hosts_of(tx: Tx, project_id: str, environment: str | None) -> list[str]:
    """Return the hosts of a project, of one environment or (None) of all."""
    rows = tx.connection.execute(
        "SELECT host FROM hosts WHERE project_id = %s AND (%s::text IS NULL OR environment = %s) ORDER BY created_at, host",
        (project_id, environment, environment),
    ).fetchall()
    return [row[0] for row in rows]


def all_hosts(tx: Tx) -> list[str]:
    """Return every host."""
    return [row[0] for row in tx.connection.execute("SELECT host FROM hosts").fetchall()]
