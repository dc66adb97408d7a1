"""The words of an organization's documents, so that what somebody misspells or only begins can be found: all of three letters or more.

Indexing adds to them and takes none away: which word stands nowhere any more only a look at all documents can tell, and that is done once
a day. Both hold the organization's words meanwhile: a word that is about to go is not taken for one that is there.
"""

from collections.abc import Sequence

from psycopg import sql

from canonry.infra.tx import Tx

_STATE = """(SELECT coalesce(string_agg(concat_ws(' ', repository_id, commit, indexed_at), ',' ORDER BY repository_id), '')
    FROM spec_indexes i WHERE i.organization_id = {})"""


def learn(tx: Tx, repository_id: str, organization_id: str, paths: Sequence[str] | None) -> None:
    """Remember the words of documents (None: of all) of a repository."""
    tx.connection.execute("SELECT pg_advisory_xact_lock_shared(hashtext('spec words'), hashtext(%s))", (organization_id,))
    which = sql.SQL("") if paths is None else sql.SQL(" AND path = ANY({})").format(sql.Literal(list(paths)))
    inner = sql.SQL("SELECT search FROM spec_documents WHERE repository_id = {}").format(sql.Literal(repository_id)) + which
    tx.connection.execute(
        sql.SQL("""INSERT INTO spec_words (organization_id, word) SELECT {}, word FROM ts_stat({}) WHERE length(word) >= 3
            ON CONFLICT DO NOTHING""").format(sql.Literal(organization_id), sql.Literal(inner.as_string(tx.connection)))
    )  # fmt: skip


def overdue(tx: Tx) -> list[str]:
    """Return the organizations whose index has changed since their words were compared with it, a day ago or longer."""
    state = sql.SQL(_STATE).format(sql.SQL("o.id"))
    rows = tx.connection.execute(
        sql.SQL("""SELECT o.id FROM organizations o LEFT JOIN spec_word_checks c ON c.organization_id = o.id
            WHERE EXISTS (SELECT 1 FROM spec_words w WHERE w.organization_id = o.id)
            AND (c.checked_at IS NULL OR c.checked_at < now() - interval '1 day' AND c.state <> {})""").format(state)
    ).fetchall()
    return [row[0] for row in rows]


def forget_unused(tx: Tx, organization_id: str) -> int:
    """Forget the words that stand in no document of an organization any more, and return how many they were.

    Words that are not known are learned: a version of Canonry that knew fewer may have indexed documents while it was replaced.
    """
    tx.connection.execute("SELECT pg_advisory_xact_lock(hashtext('spec words'), hashtext(%s))", (organization_id,))
    inner = sql.SQL("SELECT search FROM spec_documents WHERE organization_id = {}").format(sql.Literal(organization_id))
    tx.connection.execute(
        sql.SQL("""INSERT INTO spec_words (organization_id, word) SELECT {}, word FROM ts_stat({}) WHERE length(word) >= 3
            ON CONFLICT DO NOTHING""").format(sql.Literal(organization_id), sql.Literal(inner.as_string(tx.connection)))
    )  # fmt: skip
    gone = tx.connection.execute(
        sql.SQL("""DELETE FROM spec_words w WHERE organization_id = {}
            AND NOT EXISTS (SELECT 1 FROM ts_stat({}) there WHERE there.word = w.word)""").format(
            sql.Literal(organization_id), sql.Literal(inner.as_string(tx.connection))
        )
    ).rowcount  # fmt: skip
    tx.connection.execute(
        sql.SQL("""INSERT INTO spec_word_checks (organization_id, state) VALUES (%s, {})
            ON CONFLICT (organization_id) DO UPDATE SET state = EXCLUDED.state, checked_at = now()""").format(
            sql.SQL(_STATE).format(sql.SQL("%s"))
        ),
        (organization_id, organization_id),
    )  # fmt: skip
    return gone
