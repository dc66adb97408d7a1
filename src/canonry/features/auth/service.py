"""Use cases around sessions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from canonry.core.access import Actor, Credential
from canonry.core.clock import now
from canonry.core.errors import Denied, NotFound
from canonry.core.ids import new_id
from canonry.core.origin import current_origin
from canonry.core.paging import Page, cut
from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.features.auth import store
from canonry.features.auth.events import SessionRevoked, SessionSwitched, SignedIn
from canonry.features.auth.models import Label, Opened, Session
from canonry.features.auth.rules import ENDED_KEPT, SESSION_LIFE, digest, new_secret
from canonry.infra.tx import Tx
from canonry.ports.identity import SESSION_PREFIX

_CLIENT = 200  # characters of the name that a program gives itself


def open_session(tx: Tx, user_id: str, *, label: Label, way: str, client: str = "", organization_id: str | None = None) -> Opened:
    """Begin a session with a secret of its own, in that organization or the one the user joined first.

    From here on the request counts as the user's, whoever asked for it.
    """
    if organization_id is None:
        memberships = accounts.memberships(tx, user_id)
        organization_id = memberships[0].organization_id if memberships else None
    at, secret, origin = now(), new_secret(SESSION_PREFIX), current_origin.get()
    printable = "".join(letter for letter in client if letter.isprintable())[:_CLIENT]
    session = Session(new_id("ses"), user_id, organization_id, label, way, origin.address, printable, at, at, at + SESSION_LIFE)
    store.delete_ended(tx, user_id, at - ENDED_KEPT)
    store.insert(tx, session, digest(secret) if label is Label.BROWSER else None)
    current_origin.set(replace(origin, user_id=user_id, credential=f"session {session.id}"))
    tx.emit(SignedIn(organization_id or "", user_id, session.id, label, way))
    return Opened(session, Secret(secret))


def current(tx: Tx, actor: Actor) -> Session:
    """Return the session the caller is known by. Raises: Denied `session_required`."""
    found = (
        store.find(tx, actor.user_id, actor.credential_id) if actor.credential in {Credential.SESSION, Credential.ACCESS_TOKEN} else None
    )
    if found is None:
        raise Denied("session_required", "This is about the session you are signed in with, and you are known by a token or key.",
                     hint="Sign in: POST /v1/auth/session, or canonry login.")  # fmt: skip
    return found


def last_sign_in(tx: Tx, user_id: str) -> datetime | None:
    """Return when the person last signed in."""
    return store.last_sign_in(tx, user_id)


def page(tx: Tx, actor: Actor, wanted: Page) -> tuple[Sequence[Session], str | None]:
    """Return where the caller is signed in, the newest first, and the next cursor. Raises: Denied `session_required`."""
    current(tx, actor)
    return cut(store.page(tx, actor.user_id, wanted), wanted)


def sign_out(tx: Tx, actor: Actor) -> None:
    """End the caller's own session. Raises: Denied `session_required`."""
    end(tx, current(tx, actor), "signed_out")


def revoke(tx: Tx, actor: Actor, session_id: str) -> None:
    """End one of the caller's sessions. Raises: Denied `session_required`; NotFound `session_not_found`."""
    current(tx, actor)
    found = None if "\0" in session_id else store.find(tx, actor.user_id, session_id)
    if found is None:
        raise NotFound("session_not_found", f"You have no session {session_id!r}.", hint="GET /v1/auth/sessions lists them.")
    end(tx, found, "revoked")


def end(tx: Tx, session: Session, reason: str) -> None:
    """End a session: its secret and its tokens count no more from the next request on."""
    if store.revoke(tx, session.id):
        tx.emit(SessionRevoked(session.organization_id or "", session.user_id, session.id, reason))


def end_refused(tx: Tx, user_id: str, reason: str) -> None:
    """End the sessions of a person that count no more since their password was changed; those that began after it go on."""
    for session in store.refused(tx, user_id):
        end(tx, session, reason)


def switch(tx: Tx, actor: Actor, handle: str) -> accounts.Membership:
    """Let the caller's session act in another of their organizations.

    Raises: Denied `session_required`; NotFound `organization_not_found`, also for one where they are no member.
    """
    session = current(tx, actor)
    membership = None if "\0" in handle else accounts.membership(tx, actor.user_id, handle)
    if membership is None:
        raise NotFound(
            "organization_not_found", f"You are no member of an organization {handle!r}.", hint="Ask its owner for an invitation."
        )
    store.set_organization(tx, session.id, membership.organization_id)
    tx.emit(SessionSwitched(membership.organization_id, actor.user_id, session.id),
            before={"organization_id": session.organization_id}, after={"organization_id": membership.organization_id})  # fmt: skip
    return membership
