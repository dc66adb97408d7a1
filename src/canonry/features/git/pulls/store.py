"""All SQL on pull requests."""

from psycopg import sql
from psycopg.rows import class_row

from canonry.features.git.pulls.models import PullRequest, Review, State, Verdict
from canonry.infra.tx import Tx

_SELECT = sql.SQL("""SELECT q.repository_id, q.number, q.title, q.body, q.head, q.base, q.state, u.name AS created_by, q.created_at,
    q.head_commit, q.merge_commit, e.name AS ended_by, q.ended_at
    FROM pull_requests q LEFT JOIN users u ON u.id = q.created_by LEFT JOIN users e ON e.id = q.ended_by """)


def insert(tx: Tx, repository_id: str, *, title: str, body: str, head: str, base: str, user_id: str | None) -> int | None:
    """Add a pull request and return its number, the next of its repository; None when these branches have an open one."""
    tx.connection.execute("SELECT 1 FROM repositories WHERE id = %s FOR UPDATE", (repository_id,))  # numbers are given one at a time
    row = tx.connection.execute(
        """INSERT INTO pull_requests (repository_id, number, title, body, head, base, created_by)
           SELECT %s, coalesce(max(number), 0) + 1, %s, %s, %s, %s, %s FROM pull_requests WHERE repository_id = %s
           ON CONFLICT DO NOTHING RETURNING number""",
        (repository_id, title, body, head, base, user_id, repository_id),
    ).fetchone()
    return row[0] if row else None


def find(tx: Tx, repository_id: str, number: int, *, lock: bool = False) -> PullRequest | None:
    """Return one pull request. lock: hold it until the transaction ends."""
    query = _SELECT + sql.SQL("WHERE q.repository_id = %s AND q.number = %s") + sql.SQL(" FOR UPDATE OF q" if lock else "")
    with tx.connection.cursor(row_factory=class_row(PullRequest)) as cursor:
        return cursor.execute(query, (repository_id, number)).fetchone()


def page(tx: Tx, repository_id: str, state: State | None) -> list[PullRequest]:
    """Return the newest 200 pull requests of a repository."""
    query = _SELECT + sql.SQL("WHERE q.repository_id = %s AND (%s::text IS NULL OR q.state = %s) ORDER BY q.number DESC LIMIT 200")
    with tx.connection.cursor(row_factory=class_row(PullRequest)) as cursor:
        return cursor.execute(query, (repository_id, state, state)).fetchall()


def end(tx: Tx, pull: PullRequest, state: State, *, head: str | None, merge: str | None, user_id: str | None) -> bool:
    """Note that it was merged or closed; False when it had ended already."""
    return tx.connection.execute(
        """UPDATE pull_requests SET state = %s, head_commit = %s, merge_commit = %s, ended_by = %s, ended_at = now()
           WHERE repository_id = %s AND number = %s AND state = 'open'""",
        (state, head, merge, user_id, pull.repository_id, pull.number),
    ).rowcount == 1  # fmt: skip


def insert_review(tx: Tx, pull: PullRequest, *, user_id: str | None, verdict: Verdict, body: str, commit: str) -> None:
    """Add a review."""
    tx.connection.execute(
        "INSERT INTO reviews (repository_id, number, user_id, verdict, body, commit) VALUES (%s, %s, %s, %s, %s, %s)",
        (pull.repository_id, pull.number, user_id, verdict, body, commit),
    )


def reviews(tx: Tx, pull: PullRequest) -> list[Review]:
    """Return what was said of it, oldest first."""
    with tx.connection.cursor(row_factory=class_row(Review)) as cursor:
        return cursor.execute(
            """SELECT u.name AS "user", r.verdict, r.body, r.commit, r.created_at FROM reviews r LEFT JOIN users u ON u.id = r.user_id
               WHERE r.repository_id = %s AND r.number = %s ORDER BY r.id""",
            (pull.repository_id, pull.number),
        ).fetchall()  # fmt: skip
