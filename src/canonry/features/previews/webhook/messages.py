"""What hosts of repositories tell us, understood: GitHub, Gitea and Forgejo, GitLab, and the plain form of the two seeds.

Nothing of it is believed further than its shape; branches and commits are parsed where they are used.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from canonry.core.errors import Invalid, Issue

_BROUGHT = {"opened", "synchronize", "synchronized", "reopened", "open", "reopen", "update"}
_GONE = {"closed", "close", "merge"}
_NAMES = ("x-github-event", "x-gitea-event", "x-gogs-event", "x-forgejo-event", "x-gitlab-event", "x-canonry-event", "x-cantila-event")
_DELIVERIES = ("x-github-delivery", "x-gitea-delivery", "x-gogs-delivery", "x-forgejo-delivery", "x-canonry-delivery",
               "x-cantila-delivery")  # fmt: skip
_ADDRESSES = ("clone_url", "ssh_url", "git_url", "html_url", "url", "git_http_url", "git_ssh_url", "web_url", "homepage")
_FULL = re.compile(r"[0-9a-fA-F]{40}([0-9a-fA-F]{24})?")
_SHORT = re.compile(r"[0-9a-fA-F]{7,64}")
_MOST_COMMITS, _MOST_PATHS = 1000, 1000
_GITLAB = {"Push Hook": "push", "Tag Push Hook": "push", "Merge Request Hook": "merge_request"}


@dataclass(frozen=True)
class Push:
    """A branch has new commits, or is gone. commit: None when the message names none: then the newest one is meant.

    before: where the branch stood. paths: every path that changed since; None when the message does not surely say all of it.
    """

    branch: str
    commit: str | None = None
    message: str | None = None
    deleted: bool = False
    before: str | None = None
    paths: tuple[str, ...] | None = None


@dataclass(frozen=True)
class PullRequest:
    """A pull request has a new commit, or is closed. fork: the repository it comes from, None for the very one it goes to."""

    number: int
    branch: str
    commit: str
    title: str
    fork: str | None
    closed: bool


@dataclass(frozen=True)
class Other:
    """Something that is answered and has no effect. why: in words."""

    why: str


@dataclass(frozen=True)
class Message:
    """One message. event: its name, for people. repositories: the addresses it names as its own repository, in any form.

    delivery: the host's number for it, empty when there is none.
    """

    event: str
    content: Push | PullRequest | Other
    repositories: tuple[str, ...]
    delivery: str


def parse(headers: Mapping[str, str], body: bytes) -> Message:
    """Return what was said. headers: names in lower case. Raises: Invalid `invalid_payload`."""
    document = _document(headers, body)
    event = _event(headers, document)
    gitlab = "object_kind" in document or "x-gitlab-event" in headers
    try:
        content = _content(event, document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _not_understood(f"a message of the kind {event[:50]!r} that lacks {error}") from error
    delivery = next((headers[name] for name in _DELIVERIES if headers.get(name)), "")
    if gitlab and not delivery:
        delivery = headers.get("idempotency-key", "")
    return Message(event, content, _repositories(document), delivery[:200])


def _document(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    try:
        text = body.decode()
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            text = parse_qs(text, strict_parsing=True)["payload"][0]
        document = json.loads(text) if text.strip() else {}
    except (ValueError, KeyError, RecursionError) as error:
        raise _not_understood("no JSON") from error
    if not isinstance(document, dict):
        raise _not_understood("JSON, but no object")
    return document


def _event(headers: Mapping[str, str], document: dict[str, Any]) -> str:
    named = next((headers[name] for name in _NAMES if headers.get(name)), "")
    if named:
        return _GITLAB.get(named, named)
    if "pull_request" in document:
        return "pull_request"
    if document.get("object_kind") == "merge_request":
        return "merge_request"
    return "ping" if "zen" in document else "push"


def _content(event: str, document: dict[str, Any]) -> Push | PullRequest | Other:
    match event:
        case "push" | "tag_push":
            return _push(document)
        case "delete" if document.get("ref_type") == "branch":
            return Push(_text(document["ref"]), deleted=True)
        case "pull_request":
            return _pull_request(document)
        case "merge_request":
            return _merge_request(document)
        case "ping":
            return Other("pong")
        case _:
            return Other(f"messages of the kind {event[:50]!r} have no effect")


def _push(document: dict[str, Any]) -> Push | Other:
    ref = _text(document.get("branch") or document["ref"])
    if ref.startswith("refs/") and not ref.startswith("refs/heads/"):
        return Other("tags are not deployed")
    head = document.get("head_commit") or document.get("commit") or {}
    if isinstance(head, str):
        head = {"id": head}
    after = document.get("after") or head.get("id") or head.get("hash") or document.get("checkout_sha")
    commit = _commit(after, full=False) if after else None
    message = head.get("message")
    if message is None and commit is not None:
        message = next((item.get("message") for item in document.get("commits") or () if item.get("id") == commit), None)
    gone = document.get("deleted") is True or (commit is not None and not commit.strip("0"))
    if gone or commit is None:
        return Push(ref.removeprefix("refs/heads/"), None, _message(message), deleted=gone)
    before = document.get("before")
    before = before.lower() if isinstance(before, str) and _FULL.fullmatch(before) else None
    return Push(ref.removeprefix("refs/heads/"), commit, _message(message), before=before, paths=_changed(document, commit))


def _changed(document: dict[str, Any], commit: str) -> tuple[str, ...] | None:
    """Return every path that the commits of a push touch, None when they may not be all.

    Only GitHub says that history was not written anew; it lists no more than 2,048 commits.
    """
    listed = document.get("commits")
    if document.get("forced") is not False or document.get("created") is not False or not isinstance(listed, list):
        return None
    if len(listed) >= _MOST_COMMITS or not any(isinstance(item, dict) and item.get("id") == commit for item in listed):
        return None
    found = set[str]()
    for item in listed:
        groups = [item.get(kind) for kind in ("added", "removed", "modified")] if isinstance(item, dict) else [None]
        if not all(isinstance(group, list) and all(isinstance(path, str) for path in group) for group in groups):
            return None
        paths = [path for group in groups for path in group or ()]
        if len(paths) >= _MOST_PATHS:
            return None
        found.update(paths)
    return tuple(sorted(found)) or None


def _pull_request(document: dict[str, Any]) -> PullRequest | Other:
    action, request = _text(document["action"]), document["pull_request"]
    if action not in _BROUGHT | _GONE:
        return Other(f"the action {action[:50]!r} of a pull request has no effect")
    head, base = request["head"], request["base"]
    theirs = (head.get("repo") or {}).get("full_name")
    ours = (base.get("repo") or document.get("repository") or {})["full_name"]
    fork = None if theirs == ours else _text(theirs or "a repository that is gone")
    return PullRequest(_number(document.get("number") or request["number"]), _text(head["ref"]), _commit(head["sha"], full=True),
                       _message(request.get("title")) or "", fork, action in _GONE)  # fmt: skip


def _merge_request(document: dict[str, Any]) -> PullRequest | Other:
    request = document["object_attributes"]
    action = _text(request.get("action") or "")
    if action not in _BROUGHT | _GONE or (action == "update" and not request.get("oldrev")):
        return Other(f"the action {action[:50]!r} of a merge request has no effect")
    fork = None
    if request["source_project_id"] != request["target_project_id"]:
        fork = _text((request.get("source") or {}).get("path_with_namespace") or "another project")
    return PullRequest(_number(request["iid"]), _text(request["source_branch"]), _commit(request["last_commit"]["id"], full=True),
                       _message(request.get("title")) or "", fork, action in _GONE)  # fmt: skip


def _repositories(document: dict[str, Any]) -> tuple[str, ...]:
    """Return every address by which the message calls its repository."""
    found: list[Any] = [document.get("repoUrl"), document.get("repo_url")]
    for holder in (document.get("repository"), document.get("project")):
        if isinstance(holder, dict):
            found += [holder.get(name) for name in _ADDRESSES]
    return tuple(item for item in found if isinstance(item, str) and item)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return _storable(value)


def _commit(value: object, *, full: bool) -> str:
    """Return a commit id; a plain message may shorten it, what a host says of a pull request is whole: people approve that very one."""
    if not isinstance(value, str) or not (_FULL if full else _SHORT).fullmatch(value):
        raise ValueError("a commit id")
    return value.lower()


def _storable(text: str) -> str:
    """Return the text without what the database cannot keep: NUL, and halves of characters that JSON lets through."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 31:
        raise ValueError("a number")
    return value


def _message(value: object) -> str | None:
    return _storable(value)[:2000] if isinstance(value, str) else None


def _not_understood(what: str) -> Invalid:
    return Invalid("invalid_payload", f"The webhook was signed rightly, but its body is {what}.",
                   hint='Send JSON, like {"ref": "refs/heads/main"}.', issues=[Issue("body", what, "payload")])  # fmt: skip
