"""Whatever comes under a right signature is understood or refused, and never breaks anything."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.core.errors import Invalid
from canonry.features.previews.webhook.messages import Message, Other, PullRequest, Push, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3), max_leaves=8,
)  # fmt: skip
NAMES = [
    "ref", "after", "deleted", "head_commit", "commit", "commits", "branch", "repository", "project", "pull_request", "action", "number",
    "object_kind", "object_attributes", "checkout_sha", "repoUrl", "ref_type",
]  # fmt: skip
EVENTS = ["push", "pull_request", "ping", "delete", "Push Hook", "Merge Request Hook", "else", ""]


def understood(headers: dict[str, str], body: bytes) -> Message | None:
    """Return the message, None when it is refused as it should be; whatever else is raised is a fault."""
    with contextlib.suppress(Invalid):
        return parse(headers, body)
    return None


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8), st.sampled_from(EVENTS))
def test_any_document_is_understood_or_refused(document: dict[str, Any], event: str) -> None:
    message = understood({"x-github-event": event}, json.dumps(document).encode())
    assert message is None or isinstance(message.content, Push | PullRequest | Other)


@given(st.binary(max_size=100), st.sampled_from(["application/json", "application/x-www-form-urlencoded"]))
def test_any_bytes_are_understood_or_refused(body: bytes, kind: str) -> None:
    message = understood({"content-type": kind}, body)
    assert message is None or message.event


def test_what_the_database_cannot_keep_is_taken_out() -> None:
    body = b'{"ref": "refs/heads/main", "after": "' + b"A" * 40 + b'", "head_commit": {"message": "a\\u0000b\\ud800c"}}'
    content = parse({}, body).content
    assert isinstance(content, Push)
    assert (content.commit, content.message) == ("a" * 40, "ab?c")


@pytest.mark.parametrize("sha", ["main", "abcdef1", "a" * 39, "g" * 40, 7, None, ""])
def test_a_pull_request_names_a_whole_commit(sha: object) -> None:
    """People approve the very commit that is named: nothing that can come to mean another one."""
    request = {
        "number": 1,
        "title": "x",
        "head": {"ref": "x", "sha": sha, "repo": {"full_name": "a/b"}},
        "base": {"repo": {"full_name": "a/b"}},
    }
    with pytest.raises(Invalid):
        parse({}, json.dumps({"action": "opened", "number": 1, "pull_request": request}).encode())
