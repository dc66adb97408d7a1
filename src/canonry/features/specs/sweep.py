"""The look at all indexes by the clock: what a crash left, or a new version reads otherwise, is indexed again."""

from canonry.features.specs.extraction import RULES
from canonry.features.specs.queue import FORGET_WORDS, INDEX
from canonry.features.specs.store import states, words
from canonry.infra.tx import Transactions


def mend_indexes(transactions: Transactions) -> None:
    """Enqueue the indexing of repositories whose index is not of the commit that was announced last."""
    with transactions.begin() as tx:
        for repository_id in states.stale(tx, RULES):
            tx.enqueue(INDEX, repository_id=repository_id)


def check_words(transactions: Transactions) -> None:
    """Enqueue the look at words that may stand in no document any more: once a day where documents changed."""
    with transactions.begin() as tx:
        for organization_id in words.overdue(tx):
            tx.enqueue(FORGET_WORDS, organization_id=organization_id)
