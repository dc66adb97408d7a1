"""Use cases: connect, look, rotate the secret, disconnect; and for deployments, what a private repository is read with."""

import secrets
from functools import partial

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import CanonryError, Conflict, Invalid, Issue
from canonry.core.refs import RepositoryUrl, parse_branch, parse_repository_url
from canonry.core.secret import Secret
from canonry.features import auth, projects
from canonry.features.git.connection import keys, store
from canonry.features.git.connection.events import RepositoryConnected, RepositoryDisconnected, WebhookSecretRotated
from canonry.features.git.connection.models import Connection, Wanted
from canonry.features.git.models import RepositoryAccess
from canonry.features.git.repositories.models import Repository as Hosted
from canonry.features.git.sharing import service as sharing
from canonry.features.git.sharing import store as links
from canonry.features.git.sharing.models import Link
from canonry.features.projects import Project
from canonry.infra.crypto import Vault
from canonry.infra.tx import Transactions, Tx
from canonry.ports.git_host import GitHost, Repository

_SECRET_BYTES = 32


def connect(tx: Tx, actor: Actor, vault: Vault, key: str, wanted: Wanted) -> tuple[Project, Secret | None]:
    """Connect a project to a repository and return it with its new webhook secret, which nobody can read again.

    `owner/name` means the repository of that name here when there is one: that needs no secret, a push says itself what it
    brings. An SSH address gets a deploy key of its own; the key stays when the same address is connected again, pinned servers do not.
    Raises: NotFound; Invalid `invalid_repository_url`, `credential_in_url`, `token_for_ssh`, `token_for_hosted`, `own_repository`,
    `invalid_token`, `invalid_ref`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    project = projects.find(tx, actor, key)
    branch = parse_branch(wanted.branch, field="body.branch")
    hosted = sharing.hosted_at(tx, actor, project, wanted.repository, wanted.settings)
    if hosted is not None:
        return _connect_hosted(tx, project, hosted, branch, wanted), None
    url = _checked(wanted)
    before = store.find(tx, project.id)
    secret = Secret(secrets.token_hex(_SECRET_BYTES))
    store.save(
        tx, project.id, url.text, auto_deploy=wanted.auto_deploy,
        secret=vault.seal(secret.reveal(), bound=_bound(project.id, "secret")),
        token=vault.seal(wanted.token.reveal(), bound=_bound(project.id, f"token {url}")) if wanted.token else None,
        key=_key(tx, vault, project, url, before) if url.scheme == "ssh" else None,
    )  # fmt: skip
    links.delete(tx, project.id)
    projects.set_repository(tx, project.id, url.text, branch, root_dir=wanted.root_dir)
    tx.emit(RepositoryConnected(project.organization_id, project.id), before={"repo_url": project.repo_url, "branch": project.repo_branch},
            after={"repo_url": url.text, "branch": branch, "auto_deploy": wanted.auto_deploy, **_root(wanted)})  # fmt: skip
    return projects.get_any(tx, project.id), secret


def disconnect(tx: Tx, actor: Actor, key: str) -> Project:
    """Forget the repository of a project and everything it was read with; what is live stays live. Harmless when there is none."""
    require(actor, Permission.PROJECTS_DEPLOY)
    project = projects.find(tx, actor, key)
    link = links.find(tx, project.id)
    if store.delete(tx, project.id) | links.delete(tx, project.id) or project.repo_url is not None:
        projects.set_repository(tx, project.id, None, project.repo_branch)
        before = {"repo_url": project.repo_url, **({"repository": link.full_name} if link else {})}
        tx.emit(RepositoryDisconnected(project.organization_id, project.id), before=before)
    return projects.get_any(tx, project.id)


def rotate_secret(tx: Tx, actor: Actor, vault: Vault, key: str) -> tuple[Project, Secret]:
    """Replace the webhook secret; the old one is dead at once. Raises: NotFound; Conflict `not_connected`, `no_webhook`."""
    require(actor, Permission.PROJECTS_DEPLOY)
    project = projects.find(tx, actor, key)
    if (link := sharing.link_of(tx, project)) is not None:
        raise Conflict("no_webhook", f"{link.full_name}, which {project.slug} is deployed from, lies here and needs no webhook.",
                       hint="A push to it deploys the project by itself.")  # fmt: skip
    secret = Secret(secrets.token_hex(_SECRET_BYTES))
    if project.repo_url is None or not store.set_secret(tx, project.id, vault.seal(secret.reveal(), bound=_bound(project.id, "secret"))):
        raise Conflict("not_connected", f"The project {project.slug} is connected to no repository, so it has no webhook secret.",
                       hint="Connect one: canonry git connect.")  # fmt: skip
    tx.emit(WebhookSecretRotated(project.organization_id, project.id))
    return project, secret


def register_webhook(
    transactions: Transactions, vault: Vault, host: GitHost | None, actor: Actor, project: Project, *, address: str, secret: Secret
) -> tuple[bool, str | None]:
    """Let the host of the repository send its webhook, where we may act there. Returns whether it does, and what went wrong, in words.

    As the app of the host we act only for somebody who may push to the repository themselves, by the account that they have linked:
    the app is installed for others too. A host that refuses or does not answer fails nothing: the webhook can be set up by hand.
    """
    name = host.repository_at(project.repo_url) if host is not None and project.repo_url is not None else None
    if host is None or name is None:
        return False, None
    with transactions.begin() as tx:
        repository = Repository(name, token_of(tx, vault, project))
        person = auth.git_token(tx, vault, actor.user_id) if actor.user_id and repository.token is None else None
    if not host.may_act(repository):
        return False, None
    try:
        if repository.token is None:
            if person is None or not host.may_push(name, person):
                return False, _rights_missing(name, linked=person is not None)
            with transactions.begin() as tx:
                store.let_app_act(tx, project.id, project.repo_url or "")
        host.set_webhook(repository, address, secret)
    except CanonryError as error:
        return False, error.message
    return True, None


def may_app_act(tx: Tx, project: Project) -> bool:
    """Say whether somebody has shown, for the repository that a project has now, that they may push to it."""
    return project.repo_url is not None and store.app_url(tx, project.id) == project.repo_url


def _rights_missing(name: str, *, linked: bool) -> str:
    if linked:
        return f"The GitHub account that you have linked may not push to {name}; the GitHub App acts there only for somebody who may."
    return f"The GitHub App acts only for people who may push to {name}: link your GitHub account on the account page, then connect again."


def look(tx: Tx, actor: Actor, key: str) -> tuple[Project, Connection | None]:
    """Return a project and its connection."""
    project = projects.find(tx, actor, key)
    return project, connection_of(tx, project)


def connection_of(tx: Tx, project: Project) -> Connection | None:
    """Return the connection of a project; None when it has no repository, or one that was only named."""
    return store.find(tx, project.id) if project.repo_url is not None else None


def webhook_secret(tx: Tx, vault: Vault, key: str) -> tuple[str, Secret] | None:
    """Return (project id, webhook secret) of whichever project has that id or slug; for the check of a signature and nothing else."""
    found = None if "\0" in key else store.secret_of(tx, key)
    return (found[0], vault.open(found[1], bound=_bound(found[0], "secret"))) if found else None


def note_delivery(tx: Tx, project_id: str, event: str, outcome: str) -> None:
    """Remember what came last by the webhook, and what became of it."""
    store.note_delivery(tx, project_id, event, outcome)


def access_to(transactions: Transactions, vault: Vault, project: Project) -> RepositoryAccess | None:
    """Return what the repository of a project is read with; None when it is read as anybody may.

    A token or key is given out for the very address it was stored with, never for another that was set later.
    """
    with transactions.begin() as tx:
        connection = connection_of(tx, project)
        token, key = store.credentials(tx, project.id)
    if connection is None or connection.url != project.repo_url or (token is None and key is None):
        return None
    opened_token = vault.open(token, bound=_bound(project.id, f"token {connection.url}")) if token else None
    opened_key = vault.open(key, bound=_bound(project.id, f"key {connection.url}")) if key else None
    return RepositoryAccess(connection.url, project.id, opened_token, opened_key, connection.known_hosts,
                            pin=partial(_pin, transactions, project.id, connection.url))  # fmt: skip


def token_of(tx: Tx, vault: Vault, project: Project) -> Secret | None:
    """Return the token that the repository of a project is read with, None when it has none."""
    connection = connection_of(tx, project)
    token, _ = store.credentials(tx, project.id)
    if connection is None or token is None or connection.url != project.repo_url:
        return None
    return vault.open(token, bound=_bound(project.id, f"token {connection.url}"))


def _pin(transactions: Transactions, project_id: str, url: str, known_hosts: str) -> None:
    with transactions.begin() as tx:
        store.pin(tx, project_id, url, known_hosts)


def link_of(tx: Tx, project: Project) -> Link | None:
    """Return the repository here that a project is connected to."""
    return sharing.link_of(tx, project)


def _connect_hosted(tx: Tx, project: Project, repository: Hosted, branch: str, wanted: Wanted) -> Project:
    if wanted.token is not None:
        raise Invalid("token_for_hosted", f"{repository.full_name} lies here and is read without a token.", hint="Leave the token out.",
                      issues=[Issue("body.token", "is for repositories elsewhere", "unexpected")])  # fmt: skip
    store.delete(tx, project.id)
    sharing.link(tx, project, repository, auto_deploy=wanted.auto_deploy)
    projects.set_repository(tx, project.id, None, branch, root_dir=wanted.root_dir)
    tx.emit(RepositoryConnected(project.organization_id, project.id), before={"repo_url": project.repo_url, "branch": project.repo_branch},
            after={"repository": repository.full_name, "branch": branch, "auto_deploy": wanted.auto_deploy, **_root(wanted)})  # fmt: skip
    return projects.get_any(tx, project.id)


def _root(wanted: Wanted) -> dict[str, str]:
    return {} if wanted.root_dir is None else {"root_dir": wanted.root_dir}


def _checked(wanted: Wanted) -> RepositoryUrl:
    url = parse_repository_url(wanted.repository, allow_file=wanted.settings.allow_file_urls, allow_ssh=True, field="body.repo")
    if url.credential is not None:
        raise Invalid("credential_in_url", "The address carries a credential, which would be shown to everybody who may see the project.",
                      hint="Leave it out, and give it as `token`.",
                      issues=[Issue("body.repo", "must not carry a credential", "credential")])  # fmt: skip
    if wanted.token is not None:
        if url.scheme not in {"https", "http"}:
            raise Invalid("token_for_ssh", f"A token cannot be used with {url}.", hint="Use the https:// address, or leave the token out.",
                          issues=[Issue("body.token", "is for https:// addresses", "unexpected")])  # fmt: skip
        if not wanted.token.reveal().strip() or not wanted.token.reveal().isprintable():
            raise Invalid("invalid_token", "The token is empty or has characters that no token has.",
                          issues=[Issue("body.token", "not a token", "token")])  # fmt: skip
    return url


def _key(tx: Tx, vault: Vault, project: Project, url: RepositoryUrl, before: Connection | None) -> tuple[bytes, str]:
    """Return the deploy key for an address: the one it has, else a new one."""
    _, sealed = store.credentials(tx, project.id)
    if before is not None and before.url == url.text and before.public_key is not None and sealed is not None:
        return sealed, before.public_key
    private, public = keys.new_pair(f"canonry-{project.slug}")
    return vault.seal(private.reveal(), bound=_bound(project.id, f"key {url}")), public


def _bound(project_id: str, what: str) -> str:
    return f"git_connections {project_id} {what}"
