"""All SQL on connections."""

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.git.connection.models import Connection
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT project_id, url, auto_deploy, sealed_token IS NOT NULL AS has_token, public_key, known_hosts, connected_at,
    secret_at, last_delivery_at, last_delivery_event, last_delivery_outcome FROM git_connections """)


def find(tx: Tx, project_id: str) -> Connection | None:
    """Return the connection of a project."""
    with tx.connection.cursor(row_factory=class_row(Connection)) as cursor:
        return cursor.execute(_SELECT + sql.SQL("WHERE project_id = %s"), (project_id,)).fetchone()


def save(
    tx: Tx, project_id: str, url: str, *, auto_deploy: bool, secret: bytes, token: bytes | None, key: tuple[bytes, str] | None
) -> None:
    """Connect a project anew; nothing of an earlier connection stays. key: sealed private half, public half."""
    sealed_key, public_key = key or (None, None)
    tx.connection.execute(
        """INSERT INTO git_connections (project_id, url, auto_deploy, sealed_secret, sealed_token, sealed_key, public_key)
           VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (project_id) DO UPDATE SET url = EXCLUDED.url,
           auto_deploy = EXCLUDED.auto_deploy, sealed_secret = EXCLUDED.sealed_secret, sealed_token = EXCLUDED.sealed_token,
           sealed_key = EXCLUDED.sealed_key, public_key = EXCLUDED.public_key, known_hosts = '', app_url = NULL,
           connected_at = now(), secret_at = now(), last_delivery_at = NULL, last_delivery_event = NULL, last_delivery_outcome = NULL,
           seen_commit = NULL""",
        (project_id, url, auto_deploy, secret, token, sealed_key, public_key),
    )


def delete(tx: Tx, project_id: str) -> bool:
    """Forget the connection of a project; say whether there was one."""
    return tx.connection.execute("DELETE FROM git_connections WHERE project_id = %s", (project_id,)).rowcount == 1


def set_secret(tx: Tx, project_id: str, sealed: bytes) -> bool:
    """Replace the webhook secret; say whether there is a connection."""
    query = "UPDATE git_connections SET sealed_secret = %s, secret_at = now() WHERE project_id = %s"
    return tx.connection.execute(query, (sealed, project_id)).rowcount == 1


def secret_of(tx: Tx, key: str) -> tuple[str, bytes] | None:
    """Return (project id, sealed webhook secret) of whichever project has that id or slug: the signature is the gate, not a caller."""
    row = tx.connection.execute(
        """SELECT c.project_id, c.sealed_secret FROM git_connections c JOIN projects p ON p.id = c.project_id
           WHERE (p.id = %s OR p.slug = %s) AND p.repo_url IS NOT NULL""",
        (key, key),
    ).fetchone()
    return (row[0], bytes(row[1])) if row else None


def credentials(tx: Tx, project_id: str) -> tuple[bytes | None, bytes | None]:
    """Return (sealed token, sealed key)."""
    row = tx.connection.execute("SELECT sealed_token, sealed_key FROM git_connections WHERE project_id = %s", (project_id,)).fetchone()
    return (row[0] and bytes(row[0]), row[1] and bytes(row[1])) if row else (None, None)


def pin(tx: Tx, project_id: str, url: str, known_hosts: str) -> None:
    """Remember the keys of the SSH server at that address; what is pinned already stays."""
    tx.connection.execute(
        "UPDATE git_connections SET known_hosts = %s WHERE project_id = %s AND url = %s AND known_hosts = ''",
        (known_hosts, project_id, url),
    )


def let_app_act(tx: Tx, project_id: str, url: str) -> None:
    """Note that somebody may push to the repository at that address."""
    tx.connection.execute("UPDATE git_connections SET app_url = url WHERE project_id = %s AND url = %s", (project_id, url))


def app_url(tx: Tx, project_id: str) -> str | None:
    """Return the address at which we may act as the app of the host."""
    row = tx.connection.execute("SELECT app_url FROM git_connections WHERE project_id = %s", (project_id,)).fetchone()
    return row[0] if row else None


def note_delivery(tx: Tx, project_id: str, event: str, outcome: str) -> None:
    """Remember what came last by the webhook, and what became of it."""
    tx.connection.execute(
        "UPDATE git_connections SET last_delivery_at = now(), last_delivery_event = %s, last_delivery_outcome = %s WHERE project_id = %s",
        (event[:100], outcome[:500], project_id),
    )


def note_seen(tx: Tx, project_id: str, commit: str | None) -> None:
    """Remember the commit that was told of last and is settled; None when the message named none."""
    tx.connection.execute("UPDATE git_connections SET seen_commit = %s WHERE project_id = %s", (commit, project_id))


def seen_commit(tx: Tx, project_id: str) -> str | None:
    """Return the commit that was told of last and is settled."""
    row = tx.connection.execute("SELECT seen_commit FROM git_connections WHERE project_id = %s", (project_id,)).fetchone()
    return row[0] if row else None
