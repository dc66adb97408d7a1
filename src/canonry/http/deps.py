"""What routes ask for: the container, the caller, a transaction."""

from collections.abc import Iterator
from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from canonry.core.access import Actor
from canonry.core.errors import Unauthenticated
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.infra.crypto import Vault
from canonry.infra.tx import Transactions, Tx
from canonry.ports import Ports


class Services(Protocol):
    """What `wiring.container.Container` offers to routes."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102 -- the class says it
    @property
    def home(self) -> Home: ...  # noqa: D102
    @property
    def ports(self) -> Ports: ...  # noqa: D102
    @property
    def transactions(self) -> Transactions: ...  # noqa: D102
    @property
    def vault(self) -> Vault: ...  # noqa: D102


def services_of(request: Request) -> Services:
    """Return the container of the running application."""
    return cast("Services", request.app.state.container)


def actor_of(request: Request) -> Actor:
    """Return who is calling, found once a request.

    Raises: Unauthenticated `unauthenticated` without a credential, `invalid_token` with one that is unknown, expired or revoked.
    """
    known = request.scope.get("actor")
    if isinstance(known, Actor):
        return known
    header = request.headers.get("authorization", "")
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise Unauthenticated("unauthenticated", "This needs a token.", hint="Send it as `Authorization: Bearer cnr_…`.")
    actor = services_of(request).ports.identity.authenticate(Secret(value.strip()))
    if actor is None:
        raise Unauthenticated("invalid_token", "This token is unknown, expired or revoked.", hint="Make a new one.")
    request.scope["actor"] = actor
    return actor


def transaction(request: Request) -> Iterator[Tx]:
    """Give a transaction that commits when the route has returned and before the answer leaves."""
    with services_of(request).transactions.begin() as tx:
        yield tx


ServicesDep = Annotated[Services, Depends(services_of)]
ActorDep = Annotated[Actor, Depends(actor_of)]
TxDep = Annotated[Tx, Depends(transaction, scope="function")]
