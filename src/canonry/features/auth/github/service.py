"""Linking a person to GitHub, and acting as them there."""

from canonry.core.access import Actor
from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.features.auth.events import GitIdentityLinked, GitIdentityUnlinked
from canonry.features.auth.github import store
from canonry.features.auth.github.client import GitHubAccount
from canonry.features.auth.models import GitIdentity
from canonry.infra.crypto import Vault
from canonry.infra.tx import Tx

HOST = "github"


def link(tx: Tx, vault: Vault, actor: Actor, account: GitHubAccount, token: Secret) -> None:
    """Link the caller to an account, in place of the one before. Raises: Denied `email_not_verified`."""
    accounts.require_verified(tx, actor.user_id)
    before = store.find(tx, actor.user_id, HOST)
    identity = GitIdentity(actor.user_id, HOST, account.subject, account.login, account.name)
    store.put(tx, identity, vault.seal(token.reveal(), bound=_bound(actor.user_id)))
    tx.emit(GitIdentityLinked(actor.organization_id, actor.user_id, HOST),
            before={"login": before.login} if before else None, after={"login": account.login})  # fmt: skip


def unlink(tx: Tx, actor: Actor) -> None:
    """Undo the caller's link; without one nothing happens."""
    before = store.find(tx, actor.user_id, HOST)
    if before is not None:
        store.delete(tx, actor.user_id, HOST)
        tx.emit(GitIdentityUnlinked(actor.organization_id, actor.user_id, HOST), before={"login": before.login})


def git_identity(tx: Tx, user_id: str) -> GitIdentity | None:
    """Return the account at GitHub that a person is linked to."""
    return store.find(tx, user_id, HOST)


def git_token(tx: Tx, vault: Vault, user_id: str) -> Secret | None:
    """Return the token with which to act as that person at GitHub. Raises: Unavailable `secret_unreadable`."""
    sealed = store.sealed_token(tx, user_id, HOST)
    return None if sealed is None else vault.open(sealed, bound=_bound(user_id))


def users_linked_to(tx: Tx, subject: str) -> list[str]:
    """Return the people who have linked the account of this number at GitHub."""
    return store.users_of(tx, HOST, subject) if subject else []


def _bound(user_id: str) -> str:
    return f"git_identities {user_id} {HOST}"
