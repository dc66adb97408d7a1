"""Which files the rows need."""

from canonry.infra.tx import Tx


def artifacts(tx: Tx) -> list[str]:
    """Return the artifacts of releases that are live, pinned, kept by a backup, or that an instance runs from."""
    rows = tx.connection.execute(
        """SELECT DISTINCT r.artifact_id FROM releases r WHERE r.kept
           OR r.id IN (SELECT release_id FROM instances WHERE status <> 'stopped')
           OR r.id IN (SELECT release_id FROM deployments WHERE status = 'live' OR id IN (SELECT deployment_id FROM pins)) ORDER BY 1"""
    ).fetchall()
    return [row[0] for row in rows]


def archives(tx: Tx) -> list[str]:
    """Return the uploads that a deployment can be tried again from."""
    query = "SELECT DISTINCT source->>'archive' FROM deployments WHERE source->>'kind' = 'upload' ORDER BY 1"
    return [row[0] for row in tx.connection.execute(query).fetchall()]


def clusters(tx: Tx) -> list[str]:
    """Return the clusters of the databases that serve."""
    query = "SELECT cluster_id FROM databases WHERE role = 'live' AND state = 'active' ORDER BY 1"
    return [row[0] for row in tx.connection.execute(query).fetchall()]
