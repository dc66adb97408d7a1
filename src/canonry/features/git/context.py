"""What the parts of this feature that reach a host are handed."""

from typing import Protocol

from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.infra.crypto import Vault
from canonry.infra.tx import Transactions
from canonry.ports import Ports


class Context(Protocol):
    """The container, as far as this feature uses it."""

    @property
    def home(self) -> Home: ...  # noqa: D102 -- named by its type

    @property
    def settings(self) -> Settings: ...  # noqa: D102 -- named by its type

    @property
    def ports(self) -> Ports: ...  # noqa: D102 -- named by its type

    @property
    def transactions(self) -> Transactions: ...  # noqa: D102 -- named by its type

    @property
    def vault(self) -> Vault: ...  # noqa: D102 -- named by its type
