"""A request with an Idempotency-Key that is carried out, and whose process dies before its answer is written down and sent."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.api import Api


@contextmanager
def dying(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let requests inside the block be cut off at their end; after it, half a minute is over."""
    with monkeypatch.context() as patched:
        patched.setattr("canonry.http.idempotency._finish", lambda *_: None)
        patched.setattr("canonry.http.idempotency._release", lambda *_: None)
        yield
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE idempotency_keys SET locked_until = now() - interval '1 second'")
