"""A Canonry that may tell receivers on loopback, and receivers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from canonry.features.webhooks import Sender
from tests.support.api import Api, serving
from tests.support.receiver import Receiver, receiving
from tests.support.waiting import until


@pytest.fixture
def open_api(api: Api) -> Iterator[Api]:
    """Give an API whose webhooks may lead to loopback, with an owner of its own."""
    with serving(replace(api.container, settings=replace(api.container.settings, allow_private_targets=True))) as served:
        yield served


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def another() -> Iterator[Callable[[], Receiver]]:
    """Return a function that makes a further receiver."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(receiving())


@pytest.fixture
def send(open_api: Api) -> Iterator[Callable[[], None]]:
    """Return a function that does a round of the sender and waits until it has nothing under way."""
    sender = Sender(open_api.container)

    def round_to_its_end() -> None:
        sender.round()
        until(lambda: not sender._busy, timeout=60)

    yield round_to_its_end
    sender.close()


type Made = Callable[..., tuple[str, str]]


@pytest.fixture
def webhook(open_api: Api) -> Made:
    """Return a function that adds a webhook and gives its id and its secret."""

    def make(url: str, **fields: object) -> tuple[str, str]:
        answer = open_api.ask("POST", "/v1/webhooks", {"url": url, **fields})
        assert answer.status == 201, answer.body
        return answer.json["webhook"]["id"], answer.json["secret"]

    return make
