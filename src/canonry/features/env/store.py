"""All SQL on variables."""

from collections.abc import Sequence

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.env.models import Variable
from canonry.infra.tx import Tx

_COLUMNS = sql.SQL("project_id, environment, key, sealed_value, digest, sensitive, for_build, for_run, created_at, updated_at, updated_by")


def of_project(tx: Tx, project_id: str, environments: Sequence[str] | None = None) -> list[Variable]:
    """Return the variables of a project (of these environments, None for all) by key and environment."""
    with tx.connection.cursor(row_factory=class_row(Variable)) as cursor:
        query = sql.SQL("""SELECT {} FROM variables WHERE project_id = %s AND (%s::text[] IS NULL OR environment = ANY(%s))
            ORDER BY key, environment""").format(_COLUMNS)
        wanted = None if environments is None else list(environments)
        return cursor.execute(query, (project_id, wanted, wanted)).fetchall()


def of_key(tx: Tx, project_id: str, key: str) -> list[Variable]:
    """Return the variables of that key, one for each environment that has it, and lock them."""
    with tx.connection.cursor(row_factory=class_row(Variable)) as cursor:
        query = sql.SQL("SELECT {} FROM variables WHERE project_id = %s AND key = %s ORDER BY environment FOR UPDATE").format(_COLUMNS)
        return cursor.execute(query, (project_id, key)).fetchall()


def insert(tx: Tx, row: Variable) -> None:
    """Add a variable."""
    tx.connection.execute(
        """INSERT INTO variables (project_id, environment, key, sealed_value, digest, sensitive, for_build, for_run, created_at,
           updated_at, updated_by) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (row.project_id, row.environment, row.key, row.sealed_value, row.digest, row.sensitive, row.for_build, row.for_run, row.created_at,
         row.updated_at, row.updated_by),
    )  # fmt: skip


def update(tx: Tx, row: Variable) -> None:
    """Store what a variable is now."""
    tx.connection.execute(
        """UPDATE variables SET sealed_value = %s, digest = %s, sensitive = %s, for_build = %s, for_run = %s, updated_at = %s,
           updated_by = %s WHERE project_id = %s AND environment = %s AND key = %s""",
        (row.sealed_value, row.digest, row.sensitive, row.for_build, row.for_run, row.updated_at, row.updated_by, row.project_id,
         row.environment, row.key),
    )  # fmt: skip


def delete(tx: Tx, row: Variable) -> None:
    """Remove a variable."""
    tx.connection.execute(
        "DELETE FROM variables WHERE project_id = %s AND environment = %s AND key = %s", (row.project_id, row.environment, row.key)
    )


def hold(tx: Tx, project_id: str) -> None:
    """Let no other write of this project's variables come between until the transaction ends."""
    tx.connection.execute("SELECT 1 FROM projects WHERE id = %s FOR NO KEY UPDATE", (project_id,))


def size(tx: Tx, project_id: str) -> tuple[int, int]:
    """Return how many variables a project has, and how many bytes their keys and values take."""
    query = "SELECT count(*), coalesce(sum(octet_length(sealed_value) + length(key)), 0)::bigint FROM variables WHERE project_id = %s"
    row = tx.connection.execute(query, (project_id,)).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
