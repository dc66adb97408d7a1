"""What the background work of this feature is handed."""

from typing import Protocol

from canonry.core.paths import Home
from canonry.infra.tx import Transactions


class Context(Protocol):
    """The container, as far as this feature uses it."""

    @property
    def home(self) -> Home: ...  # noqa: D102 -- named by its type

    @property
    def transactions(self) -> Transactions: ...  # noqa: D102 -- named by its type
