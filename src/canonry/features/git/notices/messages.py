"""A message of GitHub's webhook, understood. Nothing of it is believed further than its shape."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from canonry.core.errors import Invalid

OWN = "chore(canon):"
"""What the subject of a commit that Canonry makes by itself begins with."""


@dataclass(frozen=True)
class About:
    """The repository that a message is about. number: None when the message names none. name: `owner/name`."""

    number: int | None
    name: str


@dataclass(frozen=True)
class Push:
    """A branch moved."""

    about: About
    branch: str
    commit: str
    is_own: bool


@dataclass(frozen=True)
class Pull:
    """Something became of a pull request."""

    about: About
    number: int
    action: str


@dataclass(frozen=True)
class Issue:
    """Something became of an issue."""

    about: About
    number: int
    action: str
    state: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Installation:
    """The app was installed, taken away, suspended or let in again. sender: the number of the account that did it."""

    number: int
    account: str
    action: str
    sender: str


@dataclass(frozen=True)
class Selection:
    """An installation may act on other repositories than before. gone: those it may not act on any more."""

    installation: Installation
    gone: tuple[About, ...]


@dataclass(frozen=True)
class Other:
    """What has no effect. why: in words."""

    why: str


type Message = Push | Pull | Issue | Installation | Selection | Other


def parse(event: str, body: bytes) -> Message:
    """Return what was said. Raises: Invalid `invalid_json`, `invalid_payload`."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid("invalid_json", "Invalid JSON", hint="Let GitHub send application/json.") from error
    if not isinstance(document, dict):
        raise Invalid("invalid_payload", "The message is JSON, but no object.")
    try:
        return _parse(event, document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Invalid("invalid_payload", f"The message of the kind {event[:50]!r} lacks {str(error)[:100]}.") from error


def _parse(event: str, document: dict[str, Any]) -> Message:
    match event:
        case "push":
            return _push(document)
        case "pull_request":
            pull = document["pull_request"]
            action = _text(document["action"])
            if action == "closed" and pull.get("merged") is True:
                action = "merged"
            return Pull(_about(document["repository"]), _number(pull["number"]), action)
        case "issues":
            issue = document["issue"]
            labels = tuple(_text(item["name"]) for item in issue.get("labels") or ())
            return Issue(_about(document["repository"]), _number(issue["number"]), _text(document["action"]), _text(issue["state"]), labels)
        case "issue_comment":
            return Other("Comments have no effect: nothing here answers to them.")
        case "installation":
            return _installation(document)
        case "installation_repositories":
            gone = tuple(_about(item) for item in document.get("repositories_removed") or ())
            return Selection(_installation(document), gone)
        case "ping":
            return Other("pong")
        case _:
            return Other(f"Messages of the kind {event[:50]!r} have no effect.")


def _push(document: dict[str, Any]) -> Push | Other:
    ref = _text(document["ref"])
    if not ref.startswith("refs/heads/"):
        return Other("Tags have no effect.")
    head = document.get("head_commit") or {}
    author = head.get("author") or {}
    names = (str(author.get("name") or ""), str(author.get("username") or ""))
    is_own = str(head.get("message") or "").startswith(OWN) or any(name.endswith("[bot]") for name in names)
    return Push(_about(document["repository"]), ref.removeprefix("refs/heads/"), _text(document["after"]), is_own)


def _installation(document: dict[str, Any]) -> Installation:
    found = document["installation"]
    sender = document.get("sender") or {}
    return Installation(_number(found["id"]), _text(found["account"]["login"]), _text(document["action"]), str(sender.get("id", "")))


def _about(document: Mapping[str, Any]) -> About:
    number = document.get("id")
    return About(_number(number) if number is not None else None, _text(document["full_name"]))


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value or len(value) > 1000:
        message = "a text"
        raise TypeError(message)
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        message = "a number"
        raise TypeError(message)
    return value
