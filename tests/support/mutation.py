"""One call of an operation that changes something, and how it is made."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.api import Answer, Api
from tests.support.waiting import until


@dataclass(frozen=True)
class Call:
    """One call. values: for the placeholders of the path. secrets: what it sends that no event may hold.

    token: as for `Api.ask`. user_id, credential: what the event has to say of the caller (None: the owner). streams: it answers only when
    the deployment of this project has ended, which somebody has to carry out meanwhile. prefix: of the path. events: more than one for a
    call that changes several things. tells: False when the name of the event says everything.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    token: str | None = ""
    user_id: str | None = None
    credential: str = "token"
    streams: str | None = None
    prefix: str = "/v1"
    events: int = 1
    tells: bool = True

    def filled(self, path: str) -> str:
        """Return the path with the values in place."""
        return re.sub(r"\{(\w+)(?::path)?\}", lambda match: self.values[match[1]], path)


def perform(api: Api, method: str, path: str, call: Call, address: str) -> Answer:
    """Make the call as somebody who comes from `address`."""
    answers: list[Answer] = []

    def ask() -> None:
        headers = {**call.headers, "X-Forwarded-For": address}
        answers.append(api.ask(method, call.prefix + call.filled(path), call.body, raw=call.raw, headers=headers, token=call.token))

    if call.streams is None:
        ask()
        return answers[0]
    waiting = len(api.deployments(call.streams)) + 1
    client = threading.Thread(target=ask)
    client.start()
    until(lambda: len(api.deployments(str(call.streams))) == waiting)
    api.work(call.streams)
    client.join(60)
    return answers[0]
