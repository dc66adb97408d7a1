"""What the background work of this feature is handed."""

from typing import Protocol

from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.crypto import Vault
from canonry.infra.tx import Transactions
from canonry.ports import Ports


class Context(Protocol):
    """The container, as far as this feature uses it."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102 -- named by its type
    @property
    def home(self) -> Home: ...  # noqa: D102
    @property
    def ports(self) -> Ports: ...  # noqa: D102
    @property
    def transactions(self) -> Transactions: ...  # noqa: D102
    @property
    def vault(self) -> Vault: ...  # noqa: D102
