"""All SQL on what was reported."""

from canonry.infra.tx import Tx


def find(tx: Tx, deployment_id: str) -> tuple[str | None, str] | None:
    """Return (the host's id, the state that was said last) of a deployment."""
    row = tx.connection.execute("SELECT remote_id, state FROM git_reports WHERE deployment_id = %s", (deployment_id,)).fetchone()
    return (row[0], row[1]) if row else None


def save(tx: Tx, project_id: str, environment: str, deployment_id: str, remote_id: str | None, state: str) -> None:
    """Remember what was said of a deployment."""
    tx.connection.execute(
        """INSERT INTO git_reports (deployment_id, project_id, environment, remote_id, state)
           SELECT %s, id, %s, %s, %s FROM projects WHERE id = %s
           ON CONFLICT (deployment_id) DO UPDATE SET remote_id = EXCLUDED.remote_id, state = EXCLUDED.state""",
        (deployment_id, environment, remote_id, state, project_id),
    )


def of_environment(tx: Tx, project_id: str, environment: str) -> list[str]:
    """Return the deployments to an environment that the host takes for live."""
    query = "SELECT deployment_id FROM git_reports WHERE project_id = %s AND environment = %s AND state = 'success'"
    return [row[0] for row in tx.connection.execute(query, (project_id, environment)).fetchall()]
