"""How the function of a route is run: in one thread, inside its transaction, up to the bytes of its answer.

FastAPI would go to another thread for each dependency and again for the function, and make the answer after the transaction has ended. Here
the function is handed who calls, what there is and its transaction, when everything else is known to be right. The transaction also holds
what is remembered of an answer (http/idempotency.py): the effect and its record are committed together.

A question (GET, and a POST that only reads) is asked whole in one thread: who calls, whether they may, and the answer. Those that only ask
the database have a few threads of their own (http/askers.py): more of them would only wait for each other. A POST whose body is long, or
which comes with an Idempotency-Key, has been let in by the gate before; it is asked in a thread of the framework, where it holds up nobody.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, cast

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from canonry.http.askers import Askers
from canonry.http.deps import ActorDep, OrgActorDep, Services, ServicesDep, TxDep, actor_of, org_actor_of, services_of
from canonry.infra import idempotency
from canonry.infra.tx import Tx

type Endpoint = Callable[..., Any]

ADMIT = "admit"
"""Where the gate leaves, in the scope of a question, what finds out who calls and whether they may."""


class Unread:
    """A value that is made when it is known who calls."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self.read = read


def conducted(endpoint: Endpoint, status: int, *, reads: bool) -> Endpoint:
    """Return `endpoint` so that it is run like that; one that is a coroutine is left as it is.

    status: of its answer. reads: it changes nothing, so its transaction is a connection that cannot write.
    """
    if inspect.iscoroutinefunction(endpoint) or inspect.isasyncgenfunction(endpoint):
        return endpoint
    signature = inspect.signature(endpoint, eval_str=True)
    kinds = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    given = {name: find for name, kind in kinds.items() for known, find in _GIVEN if kind == known}
    tx_name = next((name for name, kind in kinds.items() if kind == TxDep), None)
    own = next((name for name, kind in kinds.items() if kind is Request), None)
    makes_response = not any(kind is Response for kind in kinds.values())

    @functools.wraps(endpoint)
    def run(**values: Any) -> Any:  # noqa: ANN401 -- whatever the route takes and returns
        request: Request = values[own] if own else values.pop(_REQUEST)
        if (admit := request.scope.pop(ADMIT, None)) is not None:
            admit()
        values = {name: value.read() if isinstance(value, Unread) else value for name, value in values.items()}
        values |= {name: find(request) for name, find in given.items()}
        if tx_name is None:
            return _answer(endpoint(**values), status) if makes_response else endpoint(**values)
        services = services_of(request)
        with services.transactions.reading() if reads else services.transactions.begin() as tx:
            found = endpoint(**values, **{tx_name: tx})
            answer = _answer(found, status)
            if not reads:
                _remember(services, tx, answer)
        return answer if makes_response else found

    parameters = [parameter for name, parameter in signature.parameters.items() if name != tx_name and name not in given]
    if own is None:
        parameters.append(inspect.Parameter(_REQUEST, inspect.Parameter.KEYWORD_ONLY, annotation=Request))
    chosen: Any = _in_one_thread(run, own or _REQUEST, quick=tx_name is not None) if reads else run
    chosen.__signature__ = signature.replace(parameters=parameters)
    chosen.__canonry_admits__ = reads
    return cast("Endpoint", chosen)


def _in_one_thread(run: Endpoint, request_name: str, *, quick: bool) -> Endpoint:
    """Return a coroutine function that runs `run` in a thread. quick: among the few threads of those that only ask the database.

    Who calls and what they ask is then found on one connection: taking another from the pool cost more than asking.
    """

    def share(**values: Any) -> Any:  # noqa: ANN401 -- whatever the route takes and returns
        with services_of(values[request_name]).transactions.sharing():
            return run(**values)

    @functools.wraps(run)
    async def read(**values: Any) -> Any:  # noqa: ANN401 -- whatever the route takes and returns
        request: Request = values[request_name]
        if not quick or ADMIT not in request.scope:
            return await run_in_threadpool(functools.partial(run, **values))
        askers: Askers = request.app.state.askers
        return await askers.ask(functools.partial(share, **values))

    return read


_GIVEN: tuple[tuple[Any, Callable[[Request], Any]], ...] = (
    (ServicesDep, services_of), (ActorDep, actor_of), (OrgActorDep, org_actor_of),
)  # fmt: skip
_REQUEST = "request_of_this_call"


def admits_itself(endpoint: Endpoint) -> bool:
    """Say whether a route asks in its own thread who calls, by what the gate leaves in the scope."""
    return bool(getattr(endpoint, "__canonry_admits__", False))


def _answer(found: Any, status: int) -> Any:  # noqa: ANN401 -- likewise
    """Make the bytes of an answer that is a model: it has been checked when it was made."""
    if isinstance(found, BaseModel):
        return Response(found.model_dump_json(by_alias=True), status, media_type="application/json")
    return found


def settle(tx: Tx, services: Services, answer: BaseModel, status: int, *, provisional: bool = False) -> None:
    """Write down the answer of a request that came with a key, for a route that opens its own transaction: the one of its effect.

    provisional: the route has more to do, after which it answers better; this is what stands when Canonry is killed meanwhile.
    """
    if (held := idempotency.current.get()) is not None:
        idempotency.finish(tx, services.vault, held, status, answer.model_dump_json(by_alias=True).encode(), provisional=provisional)


def _remember(services: Services, tx: Tx, answer: Any) -> None:  # noqa: ANN401 -- likewise
    held = idempotency.current.get()
    if held is None:
        return
    if answer is None:
        answer = Response(status_code=204)
    if isinstance(answer, Response) and answer.status_code < 400:
        idempotency.finish(tx, services.vault, held, answer.status_code, bytes(answer.body))
