"""What the use cases need that open transactions of their own; the container has it."""

from typing import Protocol

from canonry.core.settings import Settings
from canonry.infra.crypto import Vault
from canonry.infra.tx import Transactions


class Context(Protocol):
    """Handed in by routes. A use case takes it instead of a transaction when it counts attempts or computes a hash on the way."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102 -- named by its type
    @property
    def transactions(self) -> Transactions: ...  # noqa: D102
    @property
    def vault(self) -> Vault: ...  # noqa: D102
