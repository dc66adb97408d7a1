"""Use cases around repositories that live at a host: register, bring up to date, act there."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import CanonryError, Conflict, Denied, Invalid, Issue, NotFound, Unauthenticated, Unavailable
from canonry.core.ids import new_id
from canonry.core.refs import parse_repository_url
from canonry.core.secret import Secret
from canonry.features import accounts, auth
from canonry.features.git.contents.models import Author
from canonry.features.git.context import Context
from canonry.features.git.elsewhere import store
from canonry.features.git.elsewhere.events import RepositoryAdded
from canonry.features.git.elsewhere.fetching import fetch_all
from canonry.features.git.elsewhere.queue import CHECK, FETCH
from canonry.features.git.hosted import hosted_repository
from canonry.features.git.repositories import service as repositories
from canonry.features.git.repositories.models import GITHUB, Repository
from canonry.features.git.targets import Targets, targets_of
from canonry.infra.tx import Tx
from canonry.ports.git_host import Described, GitHost
from canonry.ports.git_host import Repository as AtHost

_PATIENCE = 60.0  # seconds
EVENTS = ("push", "pull_request", "issues", "issue_comment")
"""What a host is asked to tell."""


def add(context: Context, actor: Actor, place: str, token: Secret | None) -> tuple[Repository, str]:
    """Register a repository and have it fetched; with a token, one that is known gets it in place of the one before.

    place: `owner/name`, or its address. Without a token the app of the host acts, for somebody who may push there by the account that they
    have linked. Returns it, and what went wrong with its webhook, in words ("" when nothing did, or when none is needed).
    Raises: Invalid `invalid_repository_url`, `not_at_this_host`, `token_needed`; Denied `git_host_refused`; Unauthenticated
    `no_git_identity`; Conflict `repository_exists`; Unavailable `git_host_unreachable`, `no_git_host`.
    """
    require(actor, Permission.SPECS_WRITE)
    if actor.project_id is not None:
        raise NotFound("project_not_found", "This credential is bound to one project and can add no repository.")
    host = host_of(context)
    at = AtHost(_name_of(host, place), token)
    if token is None:
        _require_rights(context, host, actor, at.name)
    described = host.describe(at)
    number = host.installation_of(at)
    with context.transactions.begin() as tx:
        repository_id = register(tx, context, actor.organization_id, described, token=token)
        store.ensure_installation(tx, actor.organization_id, GITHUB, described.name.partition("/")[0], number)
        repository = repositories.get_any(tx, repository_id)
    return repository, _set_webhook(context, host, at) if token is not None else ""


def register(tx: Tx, context: Context, organization_id: str, described: Described, *, token: Secret | None) -> str:
    """Add a repository to an organization, or take it back, and have it fetched; return its id.

    Raises: Conflict `repository_exists` when there is nothing to change.
    """
    owner, _, name = described.name.partition("/")
    known = store.find(tx, organization_id, GITHUB, described)
    handle = accounts.get_organization(tx, organization_id).handle
    if known is None and owner.lower() == handle.lower() and repositories.is_taken(tx, organization_id, name, handle):
        raise Conflict("repository_exists", f"{described.name} is a repository that lies here.", hint="Rename one of the two.")
    repository_id = known or new_id("rep")
    made = known is None and store.insert(tx, repository_id, organization_id, GITHUB, described)
    if not made and not store.revive(tx, repository_id) and token is None:
        raise Conflict("repository_exists", f"{described.name} is known here already.", hint="Give a token to replace the one before.")
    if token is not None:
        store.set_token(tx, repository_id, context.vault.seal(token.reveal(), bound=_bound(repository_id)))
    tx.enqueue(FETCH, repository_id=repository_id)
    tx.emit(RepositoryAdded(organization_id, repository_id),
            after={"host": GITHUB, "name": described.name, "acts": "the app" if token is None else "a token"})  # fmt: skip
    return repository_id


def bring(context: Context, repository: Repository, also: Sequence[str] = (), *, patience: float = _PATIENCE) -> Repository:
    """Fetch what is new, announce where the default branch stands now and have it checked; return it as its host describes it now.

    also: further refs. patience: seconds, of a person who waits unless it is said otherwise. What goes wrong is kept with the
    repository, for people. Raises: as the port and `fetch_all`.
    """
    host = host_of(context)
    try:
        with context.transactions.begin() as tx:
            at = at_host(tx, context, repository)
        described = host.describe(at)
        fetch_all(
            hosted_repository(context.home, repository.folder), host.clone_url(described.name), host.access(at), _targets(context, host),
            limit_bytes=context.settings.disk_repository << 20, patience=patience, also=also,
        )  # fmt: skip
    except CanonryError as error:
        with context.transactions.begin() as tx:
            store.note_problem(tx, repository.id, error.message)
        raise
    with context.transactions.begin() as tx:
        store.note_fetched(tx, repository.id, described)
        tx.enqueue(CHECK, repository_id=repository.id)
        found = repositories.get_any(tx, repository.id)
    repositories.look_again(context.transactions, context.home, found)
    return found


def bring_or_later(context: Context, repository: Repository) -> None:
    """Fetch; what the host does not answer now is tried by a job: something was written there, and it stands."""
    try:
        bring(context, repository)
    except CanonryError:
        with context.transactions.begin() as tx:
            tx.enqueue(FETCH, repository_id=repository.id)


def host_of(context: Context) -> GitHost:
    """Return the host. Raises: Unavailable `no_git_host`."""
    if context.ports.git_host is None:
        raise Unavailable("no_git_host", "This Canonry talks to no host of repositories.")
    return context.ports.git_host


def at_host(tx: Tx, context: Context, repository: Repository) -> AtHost:
    """Return what we act with at its host ourselves: its token, or the app."""
    sealed = store.token_of(tx, repository.id)
    return AtHost(repository.full_name, None if sealed is None else context.vault.open(sealed, bound=_bound(repository.id)))


def acting(context: Context, actor: Actor, repository: Repository) -> AtHost:
    """Return what a person acts with at the host: their own linked account; where none can be linked, what the repository is read with.

    Raises: Unauthenticated `no_git_identity`.
    """
    with context.transactions.begin() as tx:
        if context.settings.github_client_id is None:
            return at_host(tx, context, repository)
        token = auth.git_token(tx, context.vault, actor.user_id) if actor.user_id else None
    if token is None:
        raise not_linked(repository.full_name)
    return AtHost(repository.full_name, token)


def author_of(tx: Tx, actor: Actor, context: Context, repository: Repository) -> Author:
    """Return a person as the author of commits at a host. Raises: Unauthenticated `no_git_identity`."""
    linked = auth.git_identity(tx, actor.user_id) if actor.user_id else None
    user = accounts.get_user(tx, actor.user_id) if actor.user_id else None
    if user is None or (linked is None and (context.settings.github_client_id is not None or not user.email)):
        raise not_linked(repository.full_name)
    unseen = f"{linked.subject}+{linked.login}@users.noreply.github.com" if linked else ""
    return Author(user.name, user.email or unseen)


def not_linked(name: str) -> Unauthenticated:
    """Return the error for a person who is nobody at the host."""
    return Unauthenticated("no_git_identity", f"{name} lives at GitHub, and you have linked no account there.",
                           hint="Link it on the account page (/auth/github/login).")  # fmt: skip


def _require_rights(context: Context, host: GitHost, actor: Actor, name: str) -> None:
    if not host.may_act(AtHost(name, None)):
        raise Invalid("token_needed", f"No app acts for this Canonry at GitHub, so {name} needs a token.",
                      hint="Give one that may read and write contents and pull requests there.",
                      issues=[Issue("body.token", "is needed", "required")])  # fmt: skip
    with context.transactions.begin() as tx:
        person = auth.git_token(tx, context.vault, actor.user_id) if actor.user_id else None
    if person is None:
        raise not_linked(name)
    if not host.may_push(name, person):
        raise Denied("git_host_refused", f"The GitHub account that you have linked may not push to {name}.",
                     hint="The app acts only for somebody who may; or give a token.")  # fmt: skip


def _set_webhook(context: Context, host: GitHost, at: AtHost) -> str:
    secret = context.settings.github_webhook_secret
    if secret is None:
        return "No webhook was set up: CANONRY_GITHUB_WEBHOOK_SECRET is not set. The repository is looked at every ten minutes."
    try:
        host.set_webhook(at, f"{context.settings.own_url}/webhook", secret, EVENTS)
    except CanonryError as error:
        return f"No webhook was set up: {error.message} The repository is looked at every ten minutes."
    return ""


def _name_of(host: GitHost, place: str) -> str:
    address = parse_repository_url(place, allow_ssh=True, field="body.repository")
    plain = place.strip().removesuffix("/").removesuffix(".git")
    if "://" not in plain and plain.count("/") == 1 and ":" not in plain:
        return plain
    name = host.repository_at(address.text)
    if name is None or address.credential is not None:
        raise Invalid("not_at_this_host", f"{address} is no repository at GitHub.", hint="Write owner/name.",
                      issues=[Issue("body.repository", "not at GitHub", "repository")])  # fmt: skip
    return name


def _targets(context: Context, host: GitHost) -> Targets:
    """Return what may be asked: the host itself too, wherever it is, for whoever runs Canonry named it."""
    parts = urlsplit(host.clone_url("a/b"))
    allowed = targets_of(context.settings)
    named = {parts.netloc.lower(), str(parts.hostname)}
    return Targets(allowed.everywhere, allowed.hosts | named)


def _bound(repository_id: str) -> str:
    return f"repositories {repository_id} token"
