"""Where tickets live: the tracker of Canonry itself; another system is one more line."""

from collections.abc import Mapping

from canonry.core.settings import Settings
from canonry.features.tickets import LocalTracker
from canonry.infra.tx import Transactions
from canonry.ports.trackers import Tracker


def make_trackers(transactions: Transactions, settings: Settings) -> Mapping[str, Tracker]:
    """Return the trackers there are, by the name that CANON.yaml calls them."""
    return {"canonry": LocalTracker(transactions, settings)}
