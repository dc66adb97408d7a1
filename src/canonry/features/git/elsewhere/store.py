"""All SQL on repositories that live at a host, and on the installations of its app."""

from collections.abc import Mapping, Sequence

from psycopg.rows import class_row

from canonry.features.git.elsewhere.models import Installation
from canonry.infra.tx import Tx
from canonry.ports.git_host import Described


def find(tx: Tx, organization_id: str, host: str, described: Described) -> str | None:
    """Return the id of an organization's repository by its number there, else by its name; removed ones as well."""
    row = tx.connection.execute(
        """SELECT id FROM repositories WHERE organization_id = %s AND host = %s
           AND (number = %s OR lower(owner || '/' || name) = lower(%s)) ORDER BY number IS DISTINCT FROM %s, id LIMIT 1""",
        (organization_id, host, described.number, described.name, described.number),
    ).fetchone()
    return row[0] if row else None


def insert(tx: Tx, repository_id: str, organization_id: str, host: str, described: Described) -> bool:
    """Add a repository; False when the organization has it already."""
    owner, _, name = described.name.partition("/")
    return tx.connection.execute(
        """INSERT INTO repositories (id, organization_id, host, owner, name, number, description, default_branch)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
        (repository_id, organization_id, host, owner, name, described.number, described.description, described.default_branch),
    ).rowcount == 1  # fmt: skip


def revive(tx: Tx, repository_id: str) -> bool:
    """Take back that it was removed; say whether it was."""
    query = "UPDATE repositories SET removed_at = NULL, problem = '' WHERE id = %s AND removed_at IS NOT NULL"
    return tx.connection.execute(query, (repository_id,)).rowcount == 1


def set_token(tx: Tx, repository_id: str, sealed: bytes) -> None:
    """Keep what it is read and written with."""
    tx.connection.execute("UPDATE repositories SET sealed_token = %s, problem = '' WHERE id = %s", (sealed, repository_id))


def token_of(tx: Tx, repository_id: str) -> bytes | None:
    """Return its sealed token, None when the app acts there."""
    row = tx.connection.execute("SELECT sealed_token FROM repositories WHERE id = %s", (repository_id,)).fetchone()
    return bytes(row[0]) if row and row[0] is not None else None


def note_fetched(tx: Tx, repository_id: str, described: Described) -> None:
    """Remember what its host says of it now; a name that another one has here is not taken."""
    owner, _, name = described.name.partition("/")
    tx.connection.execute(
        """UPDATE repositories SET number = %s, description = %s, default_branch = %s, problem = '', fetched_at = now() WHERE id = %s""",
        (described.number, described.description, described.default_branch, repository_id),
    )
    tx.connection.execute(
        """UPDATE repositories r SET owner = %s, name = %s WHERE r.id = %s AND (r.owner, r.name) IS DISTINCT FROM (%s, %s)
           AND NOT EXISTS (SELECT 1 FROM repositories t WHERE t.organization_id = r.organization_id AND t.host = r.host AND t.id <> r.id
               AND lower(t.owner) = lower(%s) AND lower(t.name) = lower(%s))""",
        (owner, name, repository_id, owner, name, owner, name),
    )


def note_problem(tx: Tx, repository_id: str, problem: str) -> None:
    """Remember what went wrong when its host was asked."""
    tx.connection.execute("UPDATE repositories SET problem = %s, fetched_at = now() WHERE id = %s", (problem[:500], repository_id))


def remove(tx: Tx, repository_id: str) -> bool:
    """Mark it removed: it stands nowhere any more, and nobody sees it. Say whether it was not yet."""
    query = "UPDATE repositories SET removed_at = now(), head = NULL WHERE id = %s AND removed_at IS NULL"
    return tx.connection.execute(query, (repository_id,)).rowcount == 1


def known_at(tx: Tx, host: str, number: int | None, name: str) -> list[tuple[str, str, str]]:
    """Return (id, organization id, default branch) of a repository, by number or name, in every organization that has it."""
    return tx.connection.execute(
        """SELECT id, organization_id, default_branch FROM repositories WHERE host = %s AND removed_at IS NULL
           AND (number = %s OR (number IS NULL OR %s::bigint IS NULL) AND lower(owner || '/' || name) = lower(%s)) ORDER BY id""",
        (host, number, number, name),
    ).fetchall()


def of_account(tx: Tx, organization_id: str, host: str, account: str) -> list[str]:
    """Return the repositories of an account that the app acts on for an organization."""
    rows = tx.connection.execute(
        """SELECT id FROM repositories WHERE organization_id = %s AND host = %s AND lower(owner) = lower(%s) AND sealed_token IS NULL
           AND removed_at IS NULL ORDER BY id""",
        (organization_id, host, account),
    ).fetchall()
    return [row[0] for row in rows]


def long_ago(tx: Tx, seconds: int) -> list[str]:
    """Return the repositories that nobody asked their host about for so long."""
    rows = tx.connection.execute(
        """SELECT id FROM repositories WHERE host <> 'canonry' AND removed_at IS NULL
           AND (fetched_at IS NULL OR fetched_at < now() - make_interval(secs => %s))""",
        (seconds,),
    ).fetchall()
    return [row[0] for row in rows]


def installations(tx: Tx, organization_id: str) -> list[Installation]:
    """Return the connections of an organization."""
    with tx.connection.cursor(row_factory=class_row(Installation)) as cursor:
        return cursor.execute(
            """SELECT id, organization_id, host, account, created_at, number, suspended_at IS NOT NULL AS is_suspended,
               removed_at IS NOT NULL AS is_removed FROM installations WHERE organization_id = %s ORDER BY id""",
            (organization_id,),
        ).fetchall()


def ensure_installation(tx: Tx, organization_id: str, host: str, account: str, number: int | None = None) -> bool:
    """Make sure that a connection has a row; say whether it was made, or is there again."""
    return tx.connection.execute(
        """INSERT INTO installations AS i (organization_id, host, account, number) VALUES (%s, %s, %s, %s)
           ON CONFLICT (organization_id, host, account) DO UPDATE SET number = coalesce(EXCLUDED.number, i.number), removed_at = NULL,
               suspended_at = CASE WHEN i.removed_at IS NULL THEN i.suspended_at END
           WHERE i.removed_at IS NOT NULL OR i.number IS DISTINCT FROM coalesce(EXCLUDED.number, i.number)""",
        (organization_id, host, account, number),
    ).rowcount == 1  # fmt: skip


def installed(tx: Tx, host: str, number: int) -> list[Installation]:
    """Return the rows of one installation of the app, in every organization that has it."""
    with tx.connection.cursor(row_factory=class_row(Installation)) as cursor:
        return cursor.execute(
            """SELECT id, organization_id, host, account, created_at, number, suspended_at IS NOT NULL AS is_suspended,
               removed_at IS NOT NULL AS is_removed FROM installations WHERE host = %s AND number = %s ORDER BY id""",
            (host, number),
        ).fetchall()


def suspend(tx: Tx, installation_id: int, *, suspended: bool) -> None:
    """Remember whether the app may act."""
    query = "UPDATE installations SET suspended_at = CASE WHEN %s THEN now() END WHERE id = %s"
    tx.connection.execute(query, (suspended, installation_id))


def take_away(tx: Tx, installation_id: int) -> None:
    """Mark an installation removed."""
    tx.connection.execute("UPDATE installations SET removed_at = now(), suspended_at = NULL WHERE id = %s", (installation_id,))


def told_branches(tx: Tx, repository_id: str) -> dict[str, str]:
    """Return branch → the commit whose specs were looked at last."""
    rows = tx.connection.execute("SELECT branch, commit FROM spec_checks WHERE repository_id = %s", (repository_id,)).fetchall()
    return {row[0]: row[1] for row in rows}


def note_told(tx: Tx, repository_id: str, heads: Mapping[str, str]) -> None:
    """Remember which commits of branches were looked at."""
    tx.connection.execute(
        """INSERT INTO spec_checks (repository_id, branch, commit)
           SELECT r.id, told.branch, told.commit FROM repositories r, unnest(%s::text[], %s::text[]) AS told (branch, commit)
           WHERE r.id = %s
           ON CONFLICT (repository_id, branch) DO UPDATE SET commit = EXCLUDED.commit""",
        (list(heads), list(heads.values()), repository_id),
    )


def forget_told(tx: Tx, repository_id: str, branches: Sequence[str]) -> None:
    """Forget branches that are gone."""
    tx.connection.execute("DELETE FROM spec_checks WHERE repository_id = %s AND branch = ANY(%s)", (repository_id, list(branches)))
