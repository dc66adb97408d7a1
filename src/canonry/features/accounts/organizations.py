"""Use cases around organizations. A credential acts in one organization; every other one is unknown to it."""

from collections.abc import Mapping, Sequence

import psycopg

from canonry.core.access import Actor, Credential, Permission, Role, granted, require, require_person, require_unbound
from canonry.core.errors import Conflict, Denied, Invalid, Issue, NotFound
from canonry.core.ids import new_id
from canonry.core.paging import Page, cut
from canonry.features.accounts import attempts
from canonry.features.accounts.attempts import Allowance
from canonry.features.accounts.events import OrganizationChanged, OrganizationCreated, OrganizationDeleted
from canonry.features.accounts.models import OwnOrganization
from canonry.features.accounts.profile import require_verified
from canonry.features.accounts.rules import check_handle, derive_handle
from canonry.features.accounts.service import handle_taken
from canonry.features.accounts.store import organizations as store
from canonry.infra.tx import Tx

_CREATE = Allowance("organization", 20, 24 * 3600)
_ATTEMPTS = 20


def create(tx: Tx, actor: Actor, *, name: str, handle: str | None) -> OwnOrganization:
    """Make an organization that the caller owns. handle: made from the name without one.

    Raises: Denied `insufficient_scope`, `email_not_verified`; Invalid `invalid_name`, `invalid_handle`; Conflict `handle_reserved`,
    `handle_taken`; Limited `too_many_attempts`.
    """
    require_person(actor)
    require_verified(tx, actor.user_id)
    name = _checked_name(name)
    attempts.take(tx, _CREATE, attempts.keys_of(_CREATE, account=actor.user_id))
    organization_id = new_id("org")
    tried = [check_handle(handle)] if handle is not None else (derive_handle(name, attempt) for attempt in range(1, _ATTEMPTS))
    chosen = next((word for word in tried if store.insert_organization(tx, organization_id, word, name)), None)
    if chosen is None:
        raise handle_taken(handle or derive_handle(name))
    store.insert_member(tx, organization_id, actor.user_id, Role.OWNER)
    tx.emit(OrganizationCreated(organization_id), after={"handle": chosen, "name": name})
    return _must_own(tx, actor, organization_id)


def page(tx: Tx, actor: Actor, wanted: Page) -> tuple[Sequence[OwnOrganization], str | None]:
    """Return one page of the caller's organizations, the one they joined last first; a token or key knows only its own."""
    everywhere = actor.credential in {Credential.SESSION, Credential.ACCESS_TOKEN}
    return cut(store.page_of_user(tx, actor.user_id, wanted, only=None if everywhere else actor.organization_id), wanted)


def find(tx: Tx, actor: Actor, key: str) -> OwnOrganization:
    """Return the organization the caller acts in, by its handle (any letter case, with or without `@`) or id.

    Raises: NotFound `organization_not_found` for every other one.
    """
    require(actor, Permission.PROJECTS_READ)
    named = key == actor.organization_id or key.removeprefix("@").lower() == actor.organization_handle.lower()
    if not named or (found := _own(tx, actor, actor.organization_id)) is None:
        raise NotFound("organization_not_found", f"There is no organization {key!r} for this credential.",
                       hint="A session acts in one at a time: POST /v1/auth/organization switches.")  # fmt: skip
    return found


def find_to_manage(tx: Tx, actor: Actor, key: str) -> OwnOrganization:
    """Return the organization the caller acts in, when they may manage it. Nobody else changes its members until the transaction ends.

    Raises: NotFound `organization_not_found`; Denied `insufficient_scope`.
    """
    found = find(tx, actor, key)
    require(actor, Permission.ORG_MANAGE)
    require_unbound(actor)
    store.hold_members(tx, found.id)
    found = find(tx, actor, key)
    if Permission.ORG_MANAGE not in granted(Role(found.role), operator=False):  # the role was lowered while we waited
        raise Denied("insufficient_scope", "You may not manage this organization any more.", hint="Ask an owner.")
    return found


def change(tx: Tx, actor: Actor, key: str, changes: Mapping[str, str]) -> OwnOrganization:
    """Change name or handle. The addresses of its git repositories begin with the handle, so only an owner may change that.

    Raises: NotFound `organization_not_found`; Denied `insufficient_scope`, `owner_needed`; Invalid `invalid_name`, `invalid_handle`;
    Conflict `handle_reserved`, `handle_taken`.
    """
    before = find_to_manage(tx, actor, key)
    name = _checked_name(changes["name"]) if "name" in changes else before.name
    handle = changes.get("handle", before.handle)
    if handle != before.handle:
        check_handle(handle)
        if before.role != Role.OWNER:
            raise Denied("owner_needed", "Only an owner may change the handle.", hint="Ask an owner.")
    if (name, handle) == (before.name, before.handle):
        return before
    try:
        with tx.connection.transaction():
            store.rename(tx, before.id, handle=handle, name=name)
    except psycopg.errors.UniqueViolation as error:
        raise handle_taken(handle) from error
    tx.emit(OrganizationChanged(before.id), before={"handle": before.handle, "name": before.name}, after={"handle": handle, "name": name})
    return _must_own(tx, actor, before.id)


def delete(tx: Tx, actor: Actor, key: str) -> None:
    """Delete an organization that has no project and no repository; only an owner may, who owns another one as well.

    Its tokens, keys and invitations end at once, and sessions act in it no more. What was recorded of it stays.
    Raises: NotFound `organization_not_found`; Denied `insufficient_scope`, `owner_needed`; Conflict `organization_in_use`,
    `last_organization`.
    """
    found = find_to_manage(tx, actor, key)
    require_person(actor)
    if found.role != Role.OWNER:
        raise Denied("owner_needed", "Only an owner may delete the organization.", hint="Ask an owner.")
    if not any(place.role == Role.OWNER and place.organization_id != found.id for place in store.memberships(tx, actor.user_id)):
        raise Conflict("last_organization", f"{found.handle} is the only organization you own.",
                       hint="Make another one first: canonry organizations create NAME.")  # fmt: skip
    store.hold(tx, found.id)
    projects, repositories = store.holdings(tx, found.id)
    if projects or repositories:
        raise Conflict("organization_in_use", f"{found.handle} still has {projects} projects and {repositories} repositories of their own.",
                       hint="Remove them first: canonry projects rm, canonry repos rm.")  # fmt: skip
    store.delete_organization(tx, found.id)
    tx.emit(OrganizationDeleted(found.id), before={"handle": found.handle, "name": found.name})


def _must_own(tx: Tx, actor: Actor, organization_id: str) -> OwnOrganization:
    found = _own(tx, actor, organization_id)
    if found is None:
        raise NotFound("organization_not_found", "You are no member of this organization any more.")
    return found


def _own(tx: Tx, actor: Actor, organization_id: str) -> OwnOrganization | None:
    return next(iter(store.page_of_user(tx, actor.user_id, Page(1), only=organization_id)), None)


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or not name.isprintable():
        raise Invalid("invalid_name", "An organization needs a name.", issues=[Issue("body.name", "must not be empty", "too_short")])
    return name
