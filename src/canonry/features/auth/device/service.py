"""Device sign-ins: begun by a command line, approved or denied by a person in a browser, asked about until they end."""

from datetime import datetime

from canonry.core.access import Actor, Credential
from canonry.core.clock import now
from canonry.core.errors import Conflict, Denied, Invalid, Issue, NotFound
from canonry.core.ids import new_id
from canonry.core.origin import current_origin
from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.features.auth import service
from canonry.features.auth.device import store
from canonry.features.auth.device.models import Codes, DeviceSignIn, Granted, Status, Told
from canonry.features.auth.device.rules import (
    LIFE,
    ORGANIZATION,
    PAUSE,
    decide,
    new_user_code,
    read_user_code,
    shown,
    user_digest,
)
from canonry.features.auth.events import DeviceApproved, DeviceDenied
from canonry.features.auth.grants import service as grants
from canonry.features.auth.models import Label
from canonry.features.auth.rules import digest, new_secret
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx

_PURPOSE = "device codes"
_ATTEMPTS = 5
_TRIES = accounts.attempts.Allowance("device", 10, 15 * 60)


def begin(tx: Tx, vault: Vault, *, organization: str, client: str, origin: str, at: datetime | None = None) -> Codes:
    """Begin a device sign-in with Canonry as the authority. origin: our own address, where /auth/device is.

    Raises: Invalid `invalid_organization`; Conflict `try_again` when five short codes in a row are taken.
    """
    at, device_code = at or now(), new_secret()
    row = new_row(organization, client, at)
    store.forget_old(tx, at - LIFE)
    for _ in range(_ATTEMPTS):
        user_code = new_user_code()
        if store.insert(tx, row, digest(device_code), user_digest(vault.key_for(_PURPOSE), user_code)):
            place = f"{origin}/auth/device"
            seconds = int(LIFE.total_seconds())
            return Codes(Secret(device_code), shown(user_code), place, f"{place}?code={shown(user_code)}", PAUSE, seconds)
    raise Conflict("try_again", "No code is free just now.", hint="Try again.")


def find(tx: Tx, vault: Vault, actor: Actor, typed: str, at: datetime | None = None) -> DeviceSignIn:
    """Return the command line that waits under the code somebody typed. Ten wrong ones in a quarter of an hour are the most.

    Call it in a transaction of its own: a wrong try is noted by `note_wrong_try` in the next.
    Raises: Denied `browser_required`; NotFound `device_code_not_found`.
    """
    if actor.credential is not Credential.SESSION:
        raise Denied("browser_required", "A device is approved by a person in a browser, not with a token or key.", hint="Sign in first.")
    code = read_user_code(typed)
    found = store.hold_by_user_code(tx, user_digest(vault.key_for(_PURPOSE), code), at or now()) if code else None
    if found is None:
        raise NotFound("device_code_not_found", "No command line waits under that code.", hint="Compare it, or begin again: canonry login.")
    return found


def count_try(tx: Tx, actor: Actor) -> None:
    """Count one try to name a code. Raises: Limited `too_many_attempts`."""
    accounts.attempts.take(tx, _TRIES, _keys(actor))


def give_try_back(tx: Tx, actor: Actor) -> None:
    """Take the try back: the code was right."""
    accounts.attempts.give_back(tx, _keys(actor))


def approve(tx: Tx, vault: Vault, actor: Actor, typed: str, *, organization: str, at: datetime | None = None) -> DeviceSignIn:
    """Let the command line act as the caller in that organization. Raises: as `find`; NotFound `organization_not_found`."""
    found = find(tx, vault, actor, typed, at)
    membership = None if "\0" in organization else accounts.membership(tx, actor.user_id, organization)
    if membership is None:
        raise NotFound("organization_not_found", f"You are no member of an organization {organization!r}.", hint="Choose one of yours.")
    store.settle(tx, found.id, Status.APPROVED, actor.user_id, membership.organization_id)
    tx.emit(DeviceApproved(membership.organization_id, actor.user_id, found.id),
            after={"client": found.client, "address": found.address})  # fmt: skip
    return found


def deny(tx: Tx, vault: Vault, actor: Actor, typed: str, at: datetime | None = None) -> DeviceSignIn:
    """Refuse the command line. Raises: as `find`."""
    found = find(tx, vault, actor, typed, at)
    store.settle(tx, found.id, Status.DENIED, actor.user_id)
    tx.emit(DeviceDenied(actor.organization_id, actor.user_id, found.id), after={"client": found.client, "address": found.address})
    return found


def ask(tx: Tx, device_code: Secret, at: datetime | None = None) -> Told:
    """Answer a command line how far its sign-in is; once, when it is approved, with the tokens of a new session."""
    at = at or now()
    row = store.hold(tx, digest(device_code.reveal()))
    if row is None:
        return Told("error", detail="This device code is not known here.")
    decision = decide(row, at)
    store.note_question(tx, row.id, at, decision.pause)
    if not decision.take:
        asks_further = decision.status == "pending" and not decision.slow_down and row.sealed_provider_code is not None
        return Told(decision.status, decision.slow_down, decision.detail, at_provider=row if asks_further else None)
    outlived = store.is_outlived(tx, row.id)
    store.settle(tx, row.id, Status.TAKEN)
    return Told("denied") if outlived else take(tx, row)


def take(tx: Tx, row: DeviceSignIn) -> Told:
    """Begin the session that was approved. Whoever approved it may have lost the organization or their account meanwhile."""
    user = accounts.get_user(tx, row.user_id or "")
    places = {item.organization_id: item.handle for item in accounts.memberships(tx, user.id)}
    if user.deactivated_at is not None or row.organization_id not in places:
        return Told("denied")
    opened = service.open_session(tx, user.id, label=Label.CLI, way="device", client=row.client, organization_id=row.organization_id)
    return Told("approved", granted=Granted(grants.give(tx, opened.session), user, places[row.organization_id]))


def new_row(organization: str, client: str, at: datetime) -> DeviceSignIn:
    """Return a device sign-in that begins now. Raises: Invalid `invalid_organization`."""
    if not ORGANIZATION.fullmatch(organization):
        raise Invalid("invalid_organization", "An organization is named by letters, digits, dots, hyphens and underscores.",
                      issues=[Issue("body.org", "not the handle of an organization", "pattern")])  # fmt: skip
    name = "".join(letter for letter in client if letter.isprintable())[:200]
    address = current_origin.get().address
    return DeviceSignIn(new_id("dev"), Status.PENDING, organization, name, address, PAUSE, None, None, None, None, at, at + LIFE)


def _keys(actor: Actor) -> list[str]:
    return accounts.attempts.keys_of(_TRIES, account=actor.user_id, address=current_origin.get().address)
