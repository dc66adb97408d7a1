"""All SQL on hosts."""

from canonry.infra.tx import Tx


def insert(tx: Tx, host: str, project_id: str, environment: str) -> None:
    """Add a host unless it is there."""
    tx.connection.execute(
        "INSERT INTO hosts (host, project_id, environment) VALUES (%s, %s, %s) ON CONFLICT (host) DO NOTHING",
        (host, project_id, environment),
    )


def owner(tx: Tx, host: str) -> str | None:
    """Return the project that has the host."""
    row = tx.connection.execute("SELECT project_id FROM hosts WHERE host = %s", (host,)).fetchone()
    return row[0] if row else None


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
