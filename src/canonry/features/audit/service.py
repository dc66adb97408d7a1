"""Use cases: read the audit trail, check it."""

from collections.abc import Sequence
from datetime import UTC

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Denied, Invalid, Issue, NotFound
from canonry.core.ids import is_id
from canonry.core.paging import Page, cut
from canonry.features import projects
from canonry.features.audit import store
from canonry.features.audit.anchors import Anchors
from canonry.features.audit.models import Break, Filter, Head, Recorded, Verdict
from canonry.infra.tx import Tx, event_hash

_PLATFORM = ""  # the organization of events that belong to none


def activity(tx: Tx, actor: Actor, wanted: Page, chosen: Filter, *, platform: bool = False) -> tuple[Sequence[Recorded], str | None]:
    """Return one page of events, newest first, and the next cursor. platform: those without an organization.

    Raises: Denied `insufficient_scope`; NotFound `project_not_found`; Invalid `invalid_cursor`.
    """
    organization_id = _chain_of(actor, platform=platform)
    if wanted.before_id is not None and not (wanted.before_id.isascii() and wanted.before_id.isdigit() and len(wanted.before_id) < 19):
        raise Invalid("invalid_cursor", "That cursor is not one of this list.", hint="Pass `next_cursor` of its last answer, unchanged.",
                      issues=[Issue("query.cursor", "not a cursor of this list", "cursor")])  # fmt: skip
    before_id = None if wanted.before_id is None else int(wanted.before_id)
    return cut(store.page(tx, organization_id, wanted, chosen, before_id=before_id), wanted)


def project_filter(tx: Tx, actor: Actor, key: str | None) -> str | None:
    """Return the id of the project to look at: the one of a bound credential, else the one named, which may be deleted when it is an id.

    Raises: NotFound `project_not_found`.
    """
    if actor.project_id is not None:
        if key is not None and projects.find(tx, actor, key).id != actor.project_id:
            raise NotFound("project_not_found", f"There is no project {key!r}.")
        return actor.project_id
    if key is None or is_id(key, "prj"):
        return key
    return projects.find(tx, actor, key).id


def verify(tx: Tx, actor: Actor, anchors: Anchors, *, platform: bool = False) -> list[Verdict]:
    """Recompute the chain of the caller's organization, or every chain there is. Raises: Denied."""
    require(actor, Permission.ORG_MANAGE)
    organization_id = _chain_of(actor, platform=platform)
    if actor.project_id is not None:
        raise Denied("insufficient_scope", "The chain is the whole organization's, and this credential is bound to one project.",
                     hint="Use a credential that is not bound to a project.")  # fmt: skip
    names = sorted({*store.organizations(tx), *anchors.organizations()}) if platform else [organization_id]
    return [check(tx, name, anchors) for name in names]


def check(tx: Tx, organization_id: str, anchors: Anchors) -> Verdict:
    """Recompute one chain, oldest first, with as much memory for a million events as for ten, and compare it with its anchors."""
    anchored = anchors.of(organization_id)
    previous, events, unchained = b"", 0, 0
    newest: Recorded | None = None
    broken: Break | None = None
    for event in store.chain(tx, organization_id):
        events += 1
        if not event.hash and newest is None:
            unchained += 1
            continue
        newest = event
        anchor = anchored.pop(int(event.id), None)
        if broken is None:
            if event.hash != hash_of(event, previous):
                broken = _break(event, "it was changed, or events right before it were removed or put in")
            elif anchor is not None and anchor != event.hash.hex():
                broken = _break(event, "its hash is another than the one anchored outside the database: events up to it were written anew")
        previous = event.hash
    if broken is None and anchored:
        missing = min(anchored)
        broken = Break(organization_id, missing, None, "", "it was anchored outside the database and is gone, with what came after it")
    head = None if newest is None else Head(organization_id, int(newest.id), events, newest.hash.hex(), newest.created_at)
    return Verdict(events, unchained, head, broken)


def hash_of(event: Recorded, previous: bytes) -> bytes:
    """Return the hash this event has to have after one with the hash `previous`."""
    return event_hash(previous, {
        "name": event.name, "organization_id": event.organization_id, "payload": event.payload, "before": event.before,
        "after": event.after, "user_id": event.user_id, "credential": event.credential, "address": event.address,
        "request_id": event.request_id, "at": event.created_at.astimezone(UTC).isoformat(),
    })  # fmt: skip


def _chain_of(actor: Actor, *, platform: bool) -> str:
    require(actor, Permission.PLATFORM_MANAGE if platform else Permission.PROJECTS_READ)
    if not platform and not actor.organization_id:
        raise NotFound("organization_not_found", "You are in no organization, so nothing has happened there.")
    return _PLATFORM if platform else actor.organization_id


def _break(event: Recorded, reason: str) -> Break:
    return Break(event.organization_id, int(event.id), event.created_at, event.name, reason)
