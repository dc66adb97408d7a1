"""What is told, how it is signed, when it is tried again."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import Invalid
from canonry.core.events import known_names
from canonry.features.webhooks.models import News
from canonry.features.webhooks.rules import (
    DELAYS,
    PUBLISHED,
    check_patterns,
    check_target,
    excerpt,
    hold,
    is_wanted,
    pause,
    shown_target,
    signature,
)

KNOWN = {"deployment.failed", "deployment.succeeded", "project.created", "auth.signed_in", "webhook.created"}


def news(name: str, *wanted: str, project: str | None = None, of: str = "prj_1") -> News:
    at = datetime.now(UTC)
    return News("whk_1", project, wanted, 1, name, at, {"project_id": of}, None, None, "usr_1", "org_1", "ada", "shop")


@pytest.mark.parametrize(("pattern", "name", "expected"), [
    ("deployment.*", "deployment.failed", True), ("deployment.failed", "deployment.failed", True), ("*", "project.created", True),
    ("deployment.*", "project.created", False), ("deployment.failed", "deployment.succeeded", False),
    ("*", "auth.signed_in", False), ("*", "webhook.created", False), ("*", "token.created", False),
])  # fmt: skip
def test_a_pattern_matches_names_of_what_is_published(pattern: str, name: str, expected: bool) -> None:
    assert is_wanted(news(name, pattern)) is expected


def test_a_webhook_of_one_project_is_told_of_that_project_only() -> None:
    assert is_wanted(news("deployment.failed", "*", project="prj_1"))
    assert not is_wanted(news("deployment.failed", "*", project="prj_2"))


@pytest.mark.parametrize("patterns", [["*"], ["deployment.*", "project.created"], ["member.*"]])
def test_patterns_that_fit_something_are_taken(patterns: list[str]) -> None:
    assert check_patterns([*patterns, *patterns], KNOWN) == patterns


@pytest.mark.parametrize(
    "pattern", ["deployment", "deployment.suceeded", "auth.*", "auth.signed_in", "webhook.created", "", "Deployment.*", "a.b.c"]
)
def test_one_that_would_never_fire_is_refused_and_the_hint_names_what_there_is(pattern: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_patterns(["deployment.*", pattern], KNOWN)
    assert (caught.value.code, caught.value.issues[0].path) == ("unknown_event", "body.events.1")
    assert "deployment.succeeded" in caught.value.hint
    assert "auth" not in caught.value.hint


def test_every_published_word_is_one_that_events_have_or_will_have() -> None:
    assert {"deployment", "project"} <= {name.partition(".")[0] for name in known_names()} & set(PUBLISHED)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://localhost:8080/x", "http://x.localhost/", "http://[::1]/", "http://10.1.2.3/"]
)
def test_an_address_of_this_network_is_refused_unless_allowed(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_target(url, allow_private=False)
    assert caught.value.code == "private_address"
    assert check_target(url, allow_private=True) == url


@pytest.mark.parametrize(("url", "shown"), [
    ("https://hooks.example.com/T01/B02/secret?key=x", "https://hooks.example.com"), ("http://[2001:db8::1]:8443/x", "http://[2001:db8::1]:8443"),
])  # fmt: skip
def test_of_an_address_only_the_host_is_shown(url: str, shown: str) -> None:
    assert shown_target(url) == shown


@given(st.text(), st.text(), st.integers(0, 1 << 40))
@pytest.mark.criterion("operating#webhook-signed")
def test_the_signature_is_over_timestamp_dot_body(secret: str, body: str, at: int) -> None:
    expected = hmac.new(secret.encode(), str(at).encode() + b"." + body.encode(), hashlib.sha256).hexdigest()
    assert signature(secret, body, at) == f"t={at},v1={expected}"


def test_there_are_eight_tries_and_the_pauses_grow() -> None:
    waits = [pause(tries) for tries in range(1, 9)]
    assert waits[7] is None
    for wait, wanted in zip(waits[:7], DELAYS, strict=True):
        assert wait is not None
        assert 0.8 * wanted <= wait <= 1.2 * wanted


def test_the_longer_one_fails_the_longer_it_is_left_alone() -> None:
    holds = [hold(timedelta(seconds=seconds)).total_seconds() for seconds in (0, 60, 600, 86_400)]
    assert holds == [5, 15, 150, 300]


@given(st.binary(max_size=5000))
def test_an_excerpt_is_short_text_that_a_database_takes(body: bytes) -> None:
    text = excerpt(body)
    assert len(text) <= 500
    assert "\0" not in text
    text.encode()
