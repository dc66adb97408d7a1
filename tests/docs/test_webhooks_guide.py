"""The example of docs/guides/webhooks.md, run against what Canonry signs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from canonry.features.webhooks.rules import signature
from tests.docs import pages as docs

BODY = '{"name":"deployment.failed","data":"ü"}'


@pytest.fixture
def is_from_canonry() -> Callable[..., bool]:
    (block,) = [block for block in docs.blocks("python") if block.page == Path("docs/guides/webhooks.md")]
    namespace: dict[str, Any] = {}
    exec(block.text, namespace)  # noqa: S102 -- the example of our own page
    check: Callable[..., bool] = namespace["is_from_canonry"]
    return check


def test_what_canonry_signs_is_accepted(is_from_canonry: Callable[..., bool]) -> None:
    assert is_from_canonry("whsec_x", signature("whsec_x", BODY, int(time.time())), BODY.encode())


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (signature("whsec_other", BODY, int(time.time())), BODY),
        (signature("whsec_x", BODY, int(time.time())), BODY + " "),
        (signature("whsec_x", BODY, int(time.time()) - 301), BODY),
        (signature("whsec_x", BODY, int(time.time()) + 86_400), BODY),  # made when the tests are collected, which may be long ago
        ("", BODY), ("t=,v1=", BODY), ("v1=x", BODY), ("t=1", BODY), ("t=²,v1=x", BODY), ("t=" + "9" * 30 + ",v1=é", BODY),
    ],
    ids=["other-secret", "other-body", "too-old", "of-the-future", "empty", "nothing", "no-time", "no-signature", "no-digit", "too-long"],
)  # fmt: skip
def test_anything_else_is_not(is_from_canonry: Callable[..., bool], header: str, body: str) -> None:
    assert is_from_canonry("whsec_x", header, body.encode()) is False
