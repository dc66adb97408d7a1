"""Giving out, refreshing and revoking the tokens of a session."""

from dataclasses import dataclass

from canonry.core.clock import now
from canonry.core.errors import Unauthenticated
from canonry.core.secret import Secret
from canonry.features.auth import service
from canonry.features.auth.events import TokensRefreshed
from canonry.features.auth.grants import store
from canonry.features.auth.models import Session
from canonry.features.auth.rules import ACCESS_LIFE, ACCESS_PREFIX, REFRESH_PREFIX, SESSION_LIFE, digest, new_secret
from canonry.infra.tx import Transactions, Tx


@dataclass(frozen=True)
class Grant:
    """What a program gets: shown this once. expires_in: seconds of the access token."""

    access: Secret
    refresh: Secret
    expires_in: int


def give(tx: Tx, session: Session) -> Grant:
    """Give a session an access token and a refresh token."""
    access = new_secret(ACCESS_PREFIX)
    store.insert_access(tx, session.id, digest(access), now() + ACCESS_LIFE)
    return Grant(Secret(access), give_refresh(tx, session), int(ACCESS_LIFE.total_seconds()))


def give_refresh(tx: Tx, session: Session) -> Secret:
    """Give a session a refresh token only: a browser has its cookie for everything else."""
    refresh = new_secret(REFRESH_PREFIX)
    store.insert_refresh(tx, session.id, digest(refresh), now() - SESSION_LIFE)
    return Secret(refresh)


def refresh(transactions: Transactions, token: Secret) -> Grant:
    """Use a refresh token up and return new tokens; the session goes on for another 30 days.

    One that was used already ends the whole session, whoever shows it: two have it, and one of them is not the user.
    Raises: Unauthenticated `invalid_refresh_token`.
    """
    sha256 = digest(token.reveal())
    with transactions.begin() as tx:  # and no error inside: that a session ends must be kept
        fresh = store.use_refresh(tx, sha256)
        session = store.session_of(tx, sha256)
        grant = None
        if session and fresh:
            store.prolong(tx, session.id, now() + SESSION_LIFE)
            grant = give(tx, session)
            tx.emit(TokensRefreshed(session.organization_id or "", session.user_id, session.id))
        elif session:
            service.end(tx, session, "token_reused")
    if grant is None:
        raise Unauthenticated("invalid_refresh_token", "This refresh token is unknown, expired, revoked or was used before.",
                              hint="Sign in again.")  # fmt: skip
    return grant


def revoke(tx: Tx, token: Secret) -> None:
    """End the session of a refresh or access token; one that nobody knows is no error."""
    session = store.session_of(tx, digest(token.reveal()))
    if session is not None:
        service.end(tx, session, "revoked")
