"""What this feature, and every one above that needs as much, is handed: all it needs, nothing it has to look for."""

from typing import Protocol

from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.crypto import Vault
from canonry.infra.tx import Transactions
from canonry.ports import Ports


class Context(Protocol):
    """The container, as far as features use it."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102 -- named by its type

    @property
    def home(self) -> Home: ...  # noqa: D102 -- named by its type

    @property
    def ports(self) -> Ports: ...  # noqa: D102 -- named by its type

    @property
    def vault(self) -> Vault: ...  # noqa: D102 -- named by its type

    @property
    def transactions(self) -> Transactions: ...  # noqa: D102 -- named by its type
