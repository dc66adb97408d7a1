"""Acting on what GitHub tells: each delivery once, in one transaction; what takes time is left to jobs."""

import hashlib
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from canonry.core.access import ROLE_PERMISSIONS, Permission, Role
from canonry.core.errors import CanonryError
from canonry.core.secret import Secret
from canonry.features import accounts, auth
from canonry.features.git.context import Context
from canonry.features.git.elsewhere import installing
from canonry.features.git.elsewhere import store as elsewhere
from canonry.features.git.notices import store
from canonry.features.git.notices.events import IssueNoticed, PullRequestNoticed, PushNoticed
from canonry.features.git.notices.messages import About, Installation, Issue, Message, Other, Pull, Push, Selection, parse
from canonry.features.git.repositories.models import GITHUB
from canonry.infra.tx import Tx

_log = logging.getLogger(__name__)
_PREFIX = "sha256="


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery. is_processed: it had an effect. reason: in words, why not, or not all."""

    event: str
    is_processed: bool
    reason: str


def is_signed(headers: Mapping[str, str], body: bytes, secret: Secret | None) -> bool:
    """Say whether the very bytes that came were signed with the secret; nothing is believed without one. headers: names in lower case."""
    claim = headers.get("x-hub-signature-256") or headers.get("x-hub-signature") or ""
    if secret is None or not claim.startswith(_PREFIX):
        return False
    expected = hmac.new(secret.reveal().encode(), body, "sha256").hexdigest()
    return hmac.compare_digest(claim.removeprefix(_PREFIX).strip().lower().encode("utf-8", "surrogateescape"), expected.encode())


def take(context: Context, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Act on a delivery whose signature is right. What fails is logged, and answered as having had no effect.

    Raises: Invalid `invalid_json`, `invalid_payload`.
    """
    event = headers.get("x-github-event", "")
    message = parse(event, body)
    if isinstance(message, Other):
        return Outcome(event, is_processed=False, reason=message.why)
    keys = {f"body {hashlib.sha256(body).hexdigest()}"}  # GitHub's number for it is not signed
    if delivery := headers.get("x-github-delivery", "")[:200]:
        keys.add(f"id {delivery}")
    try:
        with context.transactions.begin() as tx:
            if not store.claim(tx, keys):
                return Outcome(event, is_processed=False, reason="It was taken before.")
            return Outcome(event, *_act(tx, message))
    except CanonryError as error:
        _log.warning("a delivery of GitHub (%s): %s", event, error)
        return Outcome(event, is_processed=False, reason=f"It could not be acted upon: {error.message}")


def _act(tx: Tx, message: Message) -> tuple[bool, str]:
    match message:
        case Push():
            return _pushed(tx, message)
        case Pull() | Issue():
            return _told(tx, message)
        case Selection():
            return _selected(tx, message)
        case Installation():
            return _installed(tx, message)
        case Other():
            return False, message.why


def _pushed(tx: Tx, push: Push) -> tuple[bool, str]:
    found = elsewhere.known_at(tx, GITHUB, push.about.number, push.about.name)
    for repository_id, organization_id, _ in found:
        tx.emit(PushNoticed(organization_id, repository_id, push.branch, push.is_own), after={"commit": push.commit})
    if not found:
        return _unknown(push.about)
    return (False, "A commit of our own, or of a program: it is indexed, and nothing is written back.") if push.is_own else (True, "")


def _told(tx: Tx, message: Pull | Issue) -> tuple[bool, str]:
    found = elsewhere.known_at(tx, GITHUB, message.about.number, message.about.name)
    for repository_id, organization_id, _ in found:
        if isinstance(message, Pull):
            tx.emit(PullRequestNoticed(organization_id, repository_id, message.number, message.action))
        else:
            tx.emit(IssueNoticed(organization_id, repository_id, message.number, message.action, message.state, message.labels))
    return (True, "") if found else _unknown(message.about)


def _installed(tx: Tx, told: Installation) -> tuple[bool, str]:
    known = elsewhere.installed(tx, GITHUB, told.number)
    match told.action:
        case "created" | "new_permissions_accepted" | "added":
            organizations = [item.organization_id for item in known if not item.is_removed] or _belongs_to(tx, told)
            for organization_id in organizations:
                installing.install(tx, organization_id, told.account, told.number)
            if not organizations:
                return False, (
                    f"Nobody here who may manage an organization has linked the GitHub account that installed the app for {told.account}. "
                    "Link it, then add the repositories: canonry repos add owner/name."
                )
        case "deleted":
            for item in known:
                installing.uninstall(tx, item)
        case "suspend" | "unsuspend":
            for item in known:
                installing.suspend(tx, item, suspended=told.action == "suspend")
        case _:
            return False, f"The action {told.action[:50]!r} has no effect."
    return (True, "") if known or told.action in {"created", "added"} else (False, "This installation is not known here.")


def _selected(tx: Tx, told: Selection) -> tuple[bool, str]:
    known = [item for item in elsewhere.installed(tx, GITHUB, told.installation.number) if not item.is_removed]
    for about in told.gone:
        for repository_id, organization_id, _ in elsewhere.known_at(tx, GITHUB, about.number, about.name):
            ours = elsewhere.of_account(tx, organization_id, GITHUB, about.name.partition("/")[0])
            if organization_id in {item.organization_id for item in known} and repository_id in ours:
                installing.remove(tx, organization_id, repository_id)
    if told.installation.action != "added":
        return (True, "") if known else (False, "This installation is not known here.")
    return _installed(tx, told.installation)


def _belongs_to(tx: Tx, told: Installation) -> list[str]:
    """Return the organization that an installation nobody knows is for: of the person who installed it, by the account they linked.

    Of several that they may manage the one whose handle is the account's name; else nobody can say.
    """
    managed = {
        membership.organization_id: membership.handle.lower()
        for user_id in auth.users_linked_to(tx, told.sender)
        for membership in accounts.memberships(tx, user_id)
        if Permission.ORG_MANAGE in ROLE_PERMISSIONS[Role(membership.role)]
    }
    if len(managed) == 1:
        return list(managed)
    return [organization_id for organization_id, handle in managed.items() if handle == told.account.lower()]


def _unknown(about: About) -> tuple[bool, str]:
    return False, f"{about.name} is not known here. Add it: canonry repos add {about.name}"
