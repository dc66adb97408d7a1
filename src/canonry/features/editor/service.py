"""Use cases of the editor. A commit is made outside of transactions, its event follows; what nobody announced is found by the rounds."""

import secrets

from canonry.core.access import Actor, Permission, require
from canonry.core.clock import now
from canonry.core.errors import CanonryError, Conflict, Unauthenticated
from canonry.features import accounts, git
from canonry.features.editor.errors import EditConflict
from canonry.features.editor.events import SpecSaved
from canonry.features.editor.models import Edit, Proposal
from canonry.features.editor.rules import check_content, check_path
from canonry.infra.tx import Tx
from canonry.specs.models import Document
from canonry.specs.parser import parse
from canonry.specs.render import Place, render
from canonry.specs.templates import editor_document

_MESSAGE = "docs: update {path}"


def checked(path: str, content: object, sha: str, message: str) -> Edit:
    """Return an edit when it can be one. Raises: Invalid `invalid_path`, `invalid_content`."""
    return Edit(check_path(path), check_content(content), sha, message.strip())


def repositories(context: git.Context, actor: Actor) -> list[git.Repository]:
    """Return the repositories the caller may edit: those whose commits they can be the author of.

    Raises: Unauthenticated `no_git_identity` when they can be that nowhere.
    """
    require(actor, Permission.SPECS_READ)
    with context.transactions.begin() as tx:
        found = git.repositories(tx, actor)
        mine = [item for item in found if _has_identity(tx, actor, context, item)]
        if not mine:
            identity(tx, actor, context, found[0] if found else None)
    return mine


def load(context: git.Context, actor: Actor, owner: str, name: str, path: str) -> tuple[str, str]:
    """Return the text of a file on the default branch and its blob id.

    Raises: NotFound; Invalid `invalid_path`; Conflict `not_text`; TooLarge `file_too_large`; Unauthenticated `no_git_identity`.
    """
    require(actor, Permission.SPECS_READ)
    with context.transactions.begin() as tx:
        repository = git.find_repository(tx, actor, name, owner=owner)
        identity(tx, actor, context, repository)
    file = git.file_at(git.hosted_repository(context.home, repository.folder), repository.default_branch, check_path(path))
    return _text(file), file.sha


def preview(content: str, place: Place) -> str:
    """Return a text as HTML that is safe to put into a page."""
    return render(parse(content), place)


def parsed(content: str) -> Document:
    """Return the document of a text."""
    return parse(content)


def template(tx: Tx, actor: Actor) -> str:
    """Return the text a new spec begins with, owned by the caller and of today."""
    name = accounts.get_user(tx, actor.user_id).name if actor.user_id else ""
    return editor_document(owner=name, today=now().date().isoformat())


def save(context: git.Context, actor: Actor, owner: str, name: str, edit: Edit) -> str:
    """Commit a file to the default branch and return its new blob id.

    Raises: NotFound; EditConflict `conflict`; Conflict `branch_busy`; Invalid `path_taken`, `specs_refused`; TooLarge `file_too_large`;
    Unauthenticated `no_git_identity`; and for a repository at a host what `git.save_file` says.
    """
    require(actor, Permission.SPECS_WRITE)
    with context.transactions.begin() as tx:
        repository = git.find_repository(tx, actor, name, owner=owner)
        author = identity(tx, actor, context, repository)
    written = _commit(context, actor, repository, repository.default_branch, edit, author)
    with context.transactions.begin() as tx:
        if written.commit != written.before:
            git.note_commit(tx, repository, repository.default_branch, written.commit)
        tx.emit(SpecSaved(repository.organization_id, repository.id), before={"commit": written.before, "sha": edit.sha or None},
                after={"commit": written.commit, "path": edit.path, "sha": written.shas[edit.path]})  # fmt: skip
    return str(written.shas[edit.path])


def propose(context: git.Context, actor: Actor, where: tuple[str, str], edit: Edit, wish: Proposal) -> tuple[git.Repository, int]:
    """Commit a file to a branch of its own and open a pull request; the default branch stays. Returns where, and its number.

    where: owner and name of the repository. Raises: as `save`; Conflict `branch_exists`; Invalid `invalid_ref`.
    """
    require(actor, Permission.SPECS_WRITE)
    with context.transactions.begin() as tx:
        repository = git.find_repository(tx, actor, where[1], owner=where[0])
        author = identity(tx, actor, context, repository)
    branch = wish.branch.strip() or f"canon/edit-{secrets.token_hex(4)}"
    git.start_branch(context, repository, branch, by=actor)
    try:
        _commit(context, actor, repository, branch, edit, author)
        title = wish.title.strip() or edit.message or _MESSAGE.format(path=edit.path)
        pull = git.propose_branch(context, actor, repository, head=branch, base=None, title=title, body=wish.body)
    except CanonryError:
        git.drop_branch(context, repository, branch, by=actor)
        raise
    return repository, pull.number


def identity(tx: Tx, actor: Actor, context: git.Context, repository: git.Repository | None) -> git.Author:
    """Return the caller as the author of commits there: by their address, and at a host by the account that they have linked.

    Raises: Unauthenticated `no_git_identity`.
    """
    if repository is not None and repository.is_elsewhere:
        return git.author_elsewhere(tx, actor, context, repository)
    user = accounts.get_user(tx, actor.user_id) if actor.user_id else None
    if user is None or not user.email:
        raise Unauthenticated(
            "no_git_identity", "Commits need an author with an e-mail address.", hint="Act as a person, and give your account an address."
        )
    return git.Author(user.name, user.email)


def _has_identity(tx: Tx, actor: Actor, context: git.Context, repository: git.Repository) -> bool:
    try:
        identity(tx, actor, context, repository)
    except Unauthenticated:
        return False
    return True


def _commit(context: git.Context, actor: Actor, repository: git.Repository, branch: str, edit: Edit, author: git.Author) -> git.Written:
    message = (edit.message or _MESSAGE.format(path=edit.path)) + "\n"
    wanted = git.Save(branch, edit.path, edit.content.encode(), edit.sha or None, author, message)
    try:
        return git.save_file(context, repository, wanted, by=actor)
    except git.StaleFile as error:
        if error.found is None:
            raise EditConflict(edit.path, None, None) from error
        raise EditConflict(edit.path, error.found.content.decode(errors="replace"), error.found.sha) from error


def _text(file: git.File) -> str:
    try:
        text = file.content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Conflict("not_text", f"{file.path} is not UTF-8 text, so an editor would spoil it.", hint="Save it as UTF-8 first.")
    return text
