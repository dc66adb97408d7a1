"""What routes ask for: the container, the caller, a transaction."""

from collections.abc import Iterator
from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from canonry.core.access import Actor
from canonry.core.errors import Unauthenticated
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.http.cookies import SESSION_COOKIE, cookie_of
from canonry.http.organizations import organization_in, require_organization
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
    """Return who is calling, found once a request: by the bearer token, else by the session cookie. No cookie makes a bad token good.

    Raises: Unauthenticated `unauthenticated` without a credential, `invalid_token` with one that is unknown, expired or revoked,
    `invalid_session` likewise.
    """
    known = request.scope.get("actor")
    if isinstance(known, Actor):
        return known
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    actor = _bearer(request, value.strip()) if scheme.lower() == "bearer" else _session(request)
    request.scope["actor"] = actor
    return actor


def org_actor_of(request: Request) -> Actor:
    """Return who is calling below `/app/{org}`: they act in that organization.

    Raises: like `actor_of`; NotFound `organization_not_found`, Denied `not_your_organization`.
    """
    actor = actor_of(request)
    require_organization(actor, str(request.path_params.get("org", "")))
    return actor


def came_by_cookie(request: Request) -> bool:
    """Say whether the caller was known by the session cookie, which a browser also sends when it should not."""
    return bool(request.scope.get("came_by_cookie"))


def _bearer(request: Request, value: str) -> Actor:
    if not value:
        raise _nobody()
    actor = services_of(request).ports.identity.authenticate(Secret(value))
    if actor is None:
        raise Unauthenticated("invalid_token", "This token is unknown, expired or revoked.", hint="Make a new one.")
    return actor


def _session(request: Request) -> Actor:
    value = cookie_of(request, SESSION_COOKIE)
    if not value:
        raise _nobody()
    actor = services_of(request).ports.identity.authenticate_session(Secret(value), organization_in(request.url.path))
    if actor is None:
        raise Unauthenticated("invalid_session", "This session has expired or was ended.", hint="Sign in again.")
    request.scope["came_by_cookie"] = True
    return actor


def _nobody() -> Unauthenticated:
    return Unauthenticated("unauthenticated", "This needs a token or a session.", hint="Send a token as `Authorization: Bearer cnr_…`.")


def transaction(request: Request) -> Iterator[Tx]:
    """Give a transaction that commits when the route has returned and before the answer leaves."""
    with services_of(request).transactions.begin() as tx:
        yield tx


# What a route asks for. http/conduct.py hands it over in the route's own thread; the functions in `Depends` serve coroutines and other
# dependencies. The async ones wait for nothing (the gate has found the actor): FastAPI would go to another thread for plain functions.


async def _services(request: Request) -> Services:
    return services_of(request)


async def _actor(request: Request) -> Actor:
    return actor_of(request)


async def _org_actor(request: Request) -> Actor:
    return org_actor_of(request)


ServicesDep = Annotated[Services, Depends(_services)]
ActorDep = Annotated[Actor, Depends(_actor)]
OrgActorDep = Annotated[Actor, Depends(_org_actor)]
TxDep = Annotated[Tx, Depends(transaction, scope="function")]
